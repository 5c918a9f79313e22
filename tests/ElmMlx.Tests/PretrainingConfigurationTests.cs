using ElmMlx.Datasets;
using ElmMlx.OpenElm;
using ElmMlx.Pretraining;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>CoreNet's configurations: what is taken, what is not used, and mistakes.</summary>
public sealed class PretrainingConfigurationTests : IDisposable
{
    private const string Files = "dataset.language_modeling.general_lm.train_data_info=";
    private readonly PretrainingFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Published_form_is_read()
    {
        PretrainingConfiguration configuration = _folder.Read();
        PretrainingRecipe recipe = configuration.Recipe;
        Assert.Equal("OpenELM-tiny", recipe.Model.ModelName);
        OpenElmConfig model = recipe.Model;
        Assert.Equal((2112, 32, 2048), (model.VocabularySize, model.MaxContextLength, model.PaddingIndex!.Value));
        Assert.Equal(2, model.Layers.Count);
        Assert.Equal((2048, 1e-4, 0.0), (recipe.IgnoreIndex, recipe.ZLoss, recipe.LabelSmoothing));
        Assert.Equal((0.1, true, 1e-8), (recipe.WeightDecay, recipe.SparesVectors, recipe.Epsilon));
        Assert.Equal((0.9, 0.95), recipe.Betas);
        Assert.Equal(
            (1.0, 2, 0.1), (recipe.ClipGradientNorm!.Value, recipe.AccumulationSteps, recipe.AverageMomentum!.Value));
        Assert.Equal(
            (9L, 0ul, false, false),
            (recipe.Updates, recipe.Seed, recipe.ComputesInBFloat16, recipe.CheckpointsLayers));
        Assert.Equal([1e-6, 0.0026505, 0.0053], new[] { 0L, 1, 2 }.Select(recipe.LearningRate.At));
        Assert.Equal(0.00053, recipe.LearningRate.At(9));

        CoreNetDataOptions data = recipe.Data;
        Assert.Equal(
            new CoreNetDataEntry(PretrainingFolder.Corpus + "/shard_{file_id:02d}.jsonl", "text", 0, 5),
            Assert.Single(data.Entries));
        Assert.Equal((32, 4, 10), (data.SequenceLength, data.MinTokensPerText, data.MinCharactersPerText));
        Assert.Equal(2048, data.DocumentSplitSize);
        Assert.Equal((true, 0L, 2, 2), (data.Shuffle, data.Seed, data.Workers, data.BatchSize));
        Assert.Equal((true, true, true), (data.NormalizeNfc, data.AddBos, data.AddEos));

        PretrainingOptions options = configuration.Options;
        Assert.Equal((3L, 5, 4L), (options.SaveEvery, options.KeepLast, options.EvaluateEvery));
        CoreNetDataOptions held = options.Validation!;
        Assert.Equal((3, 0, "content"), (held.BatchSize, held.Workers, held.Entries[0].TextKey));
        Assert.Equal((Path.Combine("results", "train"), 2), (configuration.ResultsFolder, configuration.ReportEvery));
        Assert.False(configuration.ResumesByItself);
        Assert.Equal(
            [
                "taskname", "common.mixed_precision_dtype", "dataset.root_train", "dataset.persistent_workers",
                "stats.val",
                "stats.train", "stats.checkpoint_metric", "stats.checkpoint_metric_max",
            ],
            configuration.Ignored);
        Assert.Empty(configuration.Notes);
        Assert.Equal("0.0053", configuration.Taken["scheduler.cosine.max_lr"]);
        // a default
        Assert.Equal("2048", configuration.Taken["dataset.language_modeling.general_lm.document_split_size"]);
    }

    [Fact]
    public void Published_models_need_no_architecture_and_fsdp_computes_in_its_type()
    {
        PretrainingConfiguration configuration = _folder.Read(
            "model.language_modeling.general_gpt.model_name=OpenELM-3B",
            "train_eval_pipeline.name=fsdp_train_eval_pipeline",
            "fsdp.parameter_datatype=bfloat16", "model.activation_checkpointing=true");
        OpenElmConfig model = configuration.Recipe.Model;
        Assert.Equal((36, 3072, 2112), (model.Layers.Count, model.ModelSize, model.VocabularySize));
        Assert.True(configuration.Recipe.ComputesInBFloat16 && configuration.Recipe.CheckpointsLayers);
        Assert.True(_folder.Read("common.mixed_precision=true").Recipe.ComputesInBFloat16);
    }

    [Fact]
    public void Sample_is_read()
    {
        var sample = PretrainingConfiguration.Read(Repository.At("samples/pretrain/stories.yaml"));
        Assert.Equal((300L, 2743104L), (sample.Recipe.Updates, sample.Recipe.Model.ParameterCount));
        Assert.Empty(sample.Notes);
    }

    [Fact]
    public void Dotted_names_are_nested_ones_and_other_schedules_are_read()
    {
        File.AppendAllText(
            _folder.Yaml, "\ncommon.grad_clip: 0.5\nscheduler.name: polynomial\nscheduler.polynomial.start_lr: 0.25\n");
        PretrainingRecipe recipe = _folder.Read("scheduler.warmup_iterations=0", "scheduler.polynomial.power=1").Recipe;
        Assert.Equal(0.5, recipe.ClipGradientNorm);
        Assert.Equal(0.25 * 6 / 9, recipe.LearningRate.At(3), 1e-8);
        Assert.Equal(0.125, _folder.Read("scheduler.name=fixed", "scheduler.fixed.lr=0.125").Recipe.LearningRate.At(5));
        Assert.Null(_folder.Read("common.grad_clip=null").Recipe.ClipGradientNorm);
    }

    [Fact]
    public void What_differs_from_what_one_may_expect_is_told()
    {
        Told("the padding is learnt", "loss.language_modeling.cross_entropy.ignore_index=-1");
        Told("no batches are accumulated", "common.accum_after_epoch=1");
        Told("here it means one", "dataset.workers=-1");
        Told("goes without evaluations", "dataset.language_modeling.general_lm.val_data_info=null");
        Assert.Contains("optim.adamw.betas", _folder.Read("optim.adamw.betas=1").Ignored);

        void Told(string note, string setting) => Assert.Contains(note, Assert.Single(_folder.Read(setting).Notes));
    }

    [Fact]
    public void Paths_are_looked_for_beside_the_configuration()
    {
        File.Copy(Fixtures.Path("tokenizer/tokenizer.model"), _folder.At("t.model"));
        Directory.CreateDirectory(_folder.At("{x}"));
        File.Copy(Path.Combine(PretrainingFolder.Corpus, "shard_01.jsonl"), _folder.At("{x}/part-1.jsonl"));
        PretrainingRecipe recipe = _folder.Read(
            "text_tokenizer.sentence_piece.model_path=t.model",
            Files + "[{file_name: '{{x}}/part-{file_id}.jsonl', text_key: text, file_id_range: [1, 2]}]").Recipe;
        Assert.Equal(_folder.At("t.model"), recipe.TokenizerPath);
        Assert.Equal(_folder.At("{x}/part-1.jsonl"), recipe.Data.Entries[0].Files().Single().Path);
    }

    [Theory]
    [InlineData("optim.name=lion", "optim.name is 'lion'; what is known here is adamw")]
    [InlineData("optim.name=null", "CoreNet's default is sgd; what is known here is adamw")]
    [InlineData("optim.adamw.amsgrad=true", "AMSGrad is not known here")]
    [InlineData("scheduler.name=cyclic", "what is known here is cosine, fixed, polynomial")]
    [InlineData("scheduler.is_iteration_based=false", "must be true")]
    [InlineData("scheduler.max_iterations=0", "scheduler.max_iterations is 0; it must be 1 or more")]
    [InlineData("scheduler.max_iterations=many", "scheduler.max_iterations is 'many', not a whole number")]
    [InlineData("scheduler.warmup_iterations=9", "warmup_iterations is 9, one more than max_iterations")]
    [InlineData("scheduler.cosine.max_lr=-1", "scheduler.cosine.max_lr is '-1'; it must be a number, 0 or more")]
    [InlineData("common.grad_clip=0", "it must be above 0")]
    [InlineData("common.mixed_precision=perhaps", "neither true nor false")]
    [InlineData("dataset.category=segmentation", "dataset.category is 'segmentation'")]
    [InlineData("model.language_modeling.general_gpt.model_name=OpenELM-7B", "is 'OpenELM-7B', and ")]
    [InlineData("model.language_modeling.general_gpt.vocab_size=2048", "must be 2049 or more")]
    [InlineData(
        "text_tokenizer.sentence_piece.model_path=nowhere.model", "is 'nowhere.model', and there is no such file")]
    [InlineData("text_tokenizer.sentence_piece.model_path=null", "is missing; it names the tokenizer's file")]
    [InlineData(Files + "null", "names no files")]
    [InlineData(Files + "[{text_key: text}]", "train_data_info[0] has no file_name")]
    [InlineData(Files + "[{file_name: a, text_key: b, file_id_range: [1]}]", "must be two whole numbers")]
    [InlineData(Files + "[{file_name: a, text_key: b, file_id_range: [2, 2]}]", "file_id_range is [2, 2]")]
    [InlineData(Files + "[{file_name: 'a{b}', text_key: b, file_id_range: [0, 1]}]", "file_name 'a{b}'")]
    [InlineData(Files + "[{file_name: 'a{file_id}', text_key: b, file_id_range: [0, 1]}]", "there is no file a0")]
    public void Mistakes_are_named(string setting, string message) =>
        Assert.Contains(
            message, Assert.ThrowsAny<Exception>(() => _folder.Read(setting)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("\"adamw\"", "\"sgd\"", "tiny.yaml, line 64: optim.name is 'sgd'")]
    [InlineData("[0, 5]", "[0, 6]", "tiny.yaml, line 36: dataset.language_modeling.general_lm.train_data_info there " +
        "is no file ")]
    [InlineData("\"text_key\": \"text\",", "",
        "tiny.yaml, line 37: dataset.language_modeling.general_lm.train_data_info[0] has no text_key")]
    [InlineData("stats:", "  stats: [", "tiny.yaml is not valid YAML")]
    public void Mistakes_are_named_with_their_line(string old, string mistaken, string message)
    {
        File.WriteAllText(
            _folder.Yaml, File.ReadAllText(_folder.Yaml).Replace(old, mistaken, StringComparison.Ordinal));
        Assert.Contains(message, Assert.ThrowsAny<Exception>(() => _folder.Read()).Message, StringComparison.Ordinal);
    }
}
