using System.Runtime.InteropServices;
using System.Text.Json;
using ElmMlx.Checkpoints;
using ElmMlx.Checkpoints.Torch;
using ElmMlx.Datasets;
using ElmMlx.OpenElm;
using ElmMlx.Pretraining;
using ElmMlx.Training;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>The loop of pretraining: CoreNet's traces, runs that were ended anywhere and went on, results.</summary>
[Collection(GradientCollection.Name)]
public sealed class PretrainerTests(PretrainerTests.UndisturbedRun undisturbed)
    : IClassFixture<PretrainerTests.UndisturbedRun>, IDisposable
{
    private const int Updates = 9;
    private readonly PretrainingFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // The second trace is interrupted in the middle: the golden numbers know nothing of that.
    [Theory]
    [InlineData("accum1", 0)]
    [InlineData("accum2", 7)]
    public void Trace_equals_corenet(string name, int interruption)
    {
        JsonElement golden = GoldenArrays.Json("pretrain/train.json").GetProperty("cases").GetProperty(name);
        PretrainingRecipe recipe = CoreNetGolden.Recipe(golden.GetProperty("settings")) with
        {
            From = Fixtures.Path("corenet/micro/checkpoint_average.pt"),
        };
        PretrainingOptions options = new() { Folder = _folder.At(name), KeepLast = 1 };
        List<TrainingReport> reports = [];
        for (int stopAt = interruption; ; stopAt = 0)
        {
            using CancellationTokenSource stop = new();
            using Pretrainer trainer = new(recipe, options, state => new GoldenBatches(state));
            trainer.Resume();
            TrainingResult result = trainer.Run(
                new CollectedReports
                {
                    Then = report =>
                    {
                        reports.Add(report);
                        if (report.Step == stopAt)
                            stop.Cancel();
                    },
                },
                stop.Token);
            if (result.End == TrainingEnd.Finished)
                break;
            Assert.Equal(interruption, stopAt);
        }

        JsonElement[] steps = [.. golden.GetProperty("steps").EnumerateArray()];
        Assert.Equal(steps.Select(step => step.GetProperty("step").GetInt64()), reports.Select(report => report.Step));
        foreach ((JsonElement step, TrainingReport report) in steps.Zip(reports))
        {
            int[] tokens = step.GetProperty("valid_tokens").Ints();
            double loss = tokens.Zip(step.GetProperty("micro_losses_f64").EnumerateArray(), (count, micro) =>
                count * micro.GetProperty("total_loss").GetDouble()).Sum() / tokens.Sum();
            double norm = step.GetProperty("grad_norm_before_clipping_f64").GetDouble();
            Assert.Equal(step.GetProperty("lr").GetDouble(), report.LearningRate);
            Assert.Equal(tokens.Sum(), report.StepTokens);
            Assert.Equal(loss, report.TrainLoss!.Value, 1e-5);
            Assert.Equal(norm, report.GradientNorm!.Value, norm * 5e-6);
        }

        using SafetensorsFile expected = GoldenArrays.Open($"pretrain/train_{name}.safetensors");
        string checkpoint = Path.Combine(options.Folder, "checkpoints", "0000021");
        Compare(expected, "parameters_f64", Path.Combine(checkpoint, "model.safetensors"), path =>
            "transformer." + path);
        Compare(expected, "exp_avg_f64", Path.Combine(checkpoint, "state.safetensors"), path => $"optimizer:{path}.m");
        Compare(expected, "exp_avg_sq_f64", Path.Combine(checkpoint, "state.safetensors"), path =>
            $"optimizer:{path}.v");
        Sums(golden.GetProperty("sums_f64").GetProperty("21").GetProperty("parameters"),
            Path.Combine(checkpoint, "model.safetensors"));
        if (recipe.AverageMomentum is null)
            return;
        Compare(expected, "ema_f64", Path.Combine(checkpoint, "ema.safetensors"), path => "transformer." + path);
        Sums(golden.GetProperty("ema_sums_f64"), Path.Combine(checkpoint, "ema.safetensors"));

        static void Sums(JsonElement sums, string file)
        {
            using var scope = new ArrayScope();
            PretrainingTests.Sums(
                sums, ArrayFile.Read(file).Select(entry => (OpenElmModel.CanonicalName(entry.Key), entry.Value)), 1e-6,
                file);
        }
    }

    [Fact]
    public void Run_interrupted_after_each_update_equals_an_undisturbed_one()
    {
        for (int step = 0; step <= Updates; step++)     // the first report is that of the evaluation before
        {
            using CancellationTokenSource stop = new();
            TrainingResult result = Train("interrupted", resume: step > 0, _ => stop.Cancel(), stop.Token);
            Assert.Equal(
                (step < Updates ? TrainingEnd.Interrupted : TrainingEnd.Finished, step), (result.End, result.Step));
        }
        Assert.Equal(TrainingEnd.Finished, Train("interrupted", resume: true).End);
        AssertSame("interrupted");
    }

    // What SIGKILL leaves: no last word, only the checkpoints and lines of before.
    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(8)]
    public void Run_killed_within_an_update_equals_an_undisturbed_one(int step)
    {
        Assert.Throws<OperationCanceledException>(() => Train("killed", then: report =>
        {
            if (report.Step == step)
                throw new OperationCanceledException();
        }));
        Train("killed", resume: true);
        AssertSame("killed");
    }

    [Fact]
    public void Damaged_checkpoint_gives_way_to_the_one_before()
    {
        Train("damaged");
        File.AppendAllText(Path.Combine(_folder.At("damaged"), "checkpoints", "0000009", "data.json"), " ");
        using Pretrainer trainer = Open("damaged");
        (long? step, IReadOnlyList<string> notes) = trainer.Resume();
        Assert.Equal(6, step);
        Assert.Contains("data.json has ", Assert.Single(notes));
        trainer.Run();
        AssertSame("damaged");
    }

    [Fact]
    public void Changed_recipe_is_named_unless_it_is_forced()
    {
        using CancellationTokenSource stop = new();
        Train(
            "changed",
            then: report =>
            {
                if (report.Step == 3)
                    stop.Cancel();
            },
            stop: stop.Token);
        string[] changes = ["scheduler.cosine.max_lr=0.001", "dataset.workers=3"];
        using (Pretrainer changed = Open("changed", changes))
        {
            var problem = Assert.Throws<ArgumentException>(() => changed.Resume());
            Assert.Contains(
                "dataset.workers was 2 and is 3; scheduler.cosine.max_lr was 0.0053 and is 0.001", problem.Message);
            var place = Assert.Throws<InvalidDataException>(() => changed.Resume(force: true));
            Assert.Contains("of 2 workers, and there are 3", place.Message);
        }
        using Pretrainer other = Open("changed", changes[0], "common.save_interval_freq=0");
        Assert.Equal(3, other.Resume(force: true).Step);
        Assert.Equal(TrainingEnd.Finished, other.Run().End);
    }

    [Fact]
    public void Validation_is_the_mean_over_the_files_once()
    {
        using var scope = new ArrayScope();
        PretrainingConfiguration configuration = _folder.Read();
        CoreNetDataOptions held = configuration.Options.Validation! with { BatchSize = 1 };
        using OpenElmModel model = CoreNetInitialization.Create(configuration.Recipe.Model, 0);
        double sum = 0;
        int tokens = 0, rows = 0;
        foreach (CoreNetBatch batch in CoreNetBatches.Once(held, CoreNetGolden.Tokenizer))
        {
            int counted = batch.Rows[0].Ids.Skip(1).Count(id => id != 2048);
            MlxArray logits = model.Forward(batch.Inputs(), AttentionMask.Causal);
            Nn.CoreNetLoss loss = Nn.Losses.CoreNet(logits, batch.Targets(), 2048);
            sum += loss.Total.Item<float>() * counted;
            tokens += counted;
            rows++;
        }
        Assert.True(rows > 3);      // batches of three do not come out even
        Assert.Equal(sum / tokens, undisturbed.Reports[0].ValidationLoss!.Value, 1e-4);
        Assert.Equal(
            [0, 4, 8, 9],
            undisturbed.Reports.Where(report => report.ValidationLoss is not null).Select(report => report.Step));
        Assert.True(undisturbed.Reports[^1].ValidationLoss < undisturbed.Reports[0].ValidationLoss);
        Assert.True(File.Exists(Path.Combine(undisturbed.Folder, "best", "model.safetensors")));
    }

    [Fact]
    public void Results_are_the_newest_weights_their_average_and_the_mean_of_checkpoints()
    {
        Train("results");
        string folder = _folder.At("results");
        string[] checkpoints = [.. new[] { "0000003", "0000006", "0000009" }
            .Select(step => Path.Combine(folder, "checkpoints", step, "model.safetensors"))];
        PretrainingResults.Write(folder, PretrainingFormats.CoreNet | PretrainingFormats.ModelFolder, 3);
        using var scope = new ArrayScope();
        Dictionary<string, float[]>[] stored = [.. checkpoints.Select(Floats)];
        Dictionary<string, float[]> last = Torch("checkpoint_last.pt"), mean = Torch("checkpoint_average.pt");
        Dictionary<string, float[]> average = Torch(
            "checkpoint_ema_last.pt"), ema = Floats(Path.Combine(folder, "checkpoints", "0000009", "ema.safetensors"));
        Assert.Equal(stored[2].Keys.Order(), last.Keys.Order());
        foreach (string name in last.Keys)
        {
            Assert.Equal(stored[2][name], last[name]);
            Assert.Equal(ema[name], average[name]);
            Assert.Equal(
                [.. last[name].Select((_, i) => (float)(stored.Sum(one => (double)one[name][i]) / 3))], mean[name]);
        }

        foreach ((string model, Dictionary<string, float[]> weights) in new[]
            { ("model", last), ("model_ema", average), ("model_average", mean) })
        {
            using OpenElmModel loaded = OpenElmModel.Load(Path.Combine(folder, model));
            foreach ((string path, Nn.Parameter parameter) in loaded.NamedParameters())
                Assert.Equal(weights[path], parameter.Value.ToArray<float>());
            Assert.Equal(2048, Text.Tokenizer.Load(Path.Combine(folder, model)).VocabularySize);
        }
        string yaml = File.ReadAllText(Path.Combine(folder, "checkpoint_average.yaml"));
        Assert.Contains("model_name: \"OpenELM-tiny\"\n      vocab_size: 2112\n", yaml);
        ConvertReport converted = Converter.Convert(new ConvertOptions
        {
            Input = Path.Combine(folder, "checkpoint_average.pt"),
            ConfigYaml = Path.Combine(folder, "checkpoint_average.yaml"),
            Architecture = Path.Combine(folder, "checkpoint_average.architecture.json"),
            Output = _folder.At("converted"),
        });
        OpenElmConfig config = converted.Config;
        Assert.Equal((2112, 32, 2048), (config.VocabularySize, config.MaxContextLength, config.PaddingIndex!.Value));
        var problem =
            Assert.Throws<ArgumentException>(() => PretrainingResults.Write(folder, PretrainingFormats.CoreNet, 4));
        Assert.Contains("There are 3 checkpoints", problem.Message);

        Dictionary<string, float[]> Torch(string name) => CoreNetModels.Tensors(Path.Combine(folder, name))
            .ToDictionary(entry => entry.Key, entry => entry.Value.ToArray<float>());
        Dictionary<string, float[]> Floats(string path) => ArrayFile.Read(path)
            .ToDictionary(entry => OpenElmModel.CanonicalName(entry.Key), entry => entry.Value.ToArray<float>());
    }

    [Fact]
    public void Training_checkpoint_has_what_corenet_goes_on_from()
    {
        string path = _folder.At(
            "training_checkpoint_last.pt"), checkpoint = Path.Combine(undisturbed.Folder, "checkpoints", "0000009");
        using (Pretrainer trainer = undisturbed.Open())
        {
            trainer.Resume();
            trainer.WriteTrainingCheckpoint(path);
        }

        using var scope = new ArrayScope();
        using var archive = TorchArchive.Open(path);
        PickleDict root = archive.Root;
        Assert.Equal((9L, 0L, true), (root["iterations"], root["epoch"], root["is_interval_ckpt"]));
        Assert.Equal(
            undisturbed.Reports.Min(report => report.ValidationLoss)!.Value, (double)root["best_metric"]!, 1e-9);
        Same((PickleDict)root["model_state_dict"]!, "model.safetensors");
        Same((PickleDict)root["ema_state_dict"]!, "ema.safetensors");
        var optimizer = (PickleDict)root["optim_state_dict"]!;
        var moments = (PickleDict)optimizer["state"]!;
        Dictionary<string, MlxArray> stored = ArrayFile.Read(Path.Combine(checkpoint, "state.safetensors"));
        PickleDict[] groups = [.. ((PickleList)optimizer["param_groups"]!).Items.Cast<PickleDict>()];
        Assert.Equal([0.1, 0.0], groups.Select(group => (double)group["weight_decay"]!));
        Assert.All(groups, group => Assert.Equal([0.9, 0.95], ((PickleTuple)group["betas"]!).Items.Cast<double>()));
        object?[] numbers = [.. groups.SelectMany(group => ((PickleList)group["params"]!).Items)];
        string[] names = [.. Pretrainer.ParameterGroups(_folder.Read().Recipe).SelectMany(group => group.Names)];
        Assert.Equal(names.Length, numbers.Length);
        foreach ((object? number, string name) in numbers.Zip(names))
        {
            var own = (PickleDict)moments.Entries.Single(entry => entry.Key.Equals(number)).Value!;
            Assert.Equal(9, Floats(own["step"]!).Single());
            Assert.Equal(stored[$"optimizer:{name}.m"].ToArray<float>(), Floats(own["exp_avg"]!));
            Assert.Equal(stored[$"optimizer:{name}.v"].ToArray<float>(), Floats(own["exp_avg_sq"]!));
        }

        void Same(PickleDict state, string file)
        {
            var weights = ArrayFile.Read(Path.Combine(checkpoint, file))
                .ToDictionary(entry => OpenElmModel.CanonicalName(entry.Key), entry => entry.Value);
            Assert.Equal(weights.Keys.Order(), state.Entries.Select(entry => (string)entry.Key).Order());
            Assert.All(state.Entries, entry =>
                Assert.Equal(weights[(string)entry.Key].ToArray<float>(), Floats(entry.Value!)));
        }

        float[] Floats(object tensor)
        {
            var described = (TorchTensor)tensor;
            float[] values = new float[described.Shape.Aggregate(1L, (a, b) => a * b)];
            archive.Read(described, 0, MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        }
    }

    [Fact]
    public void Parameter_groups_have_corenets_order()
    {
        JsonElement golden = GoldenArrays.Json("pretrain/train.json").GetProperty("cases").GetProperty("accum1");
        Assert.Equal(
            golden.GetProperty("parameter_groups").EnumerateArray()
                .Select(group => string.Join(' ', group.GetProperty("names").EnumerateArray())),
            Pretrainer.ParameterGroups(CoreNetGolden.Recipe(golden.GetProperty("settings")))
                .Select(group => string.Join(' ', group.Names)));
    }

    [Fact]
    public void Run_begins_with_the_weights_of_a_checkpoint_or_a_folder()
    {
        PretrainingResults.Write(undisturbed.Folder, PretrainingFormats.CoreNet | PretrainingFormats.ModelFolder);
        foreach (string from in new[] { "checkpoint_last.pt", "model" })
        {
            PretrainingConfiguration configuration = PretrainingConfiguration.Read(
                _folder.Yaml, new PretrainingInputs { From = Path.Combine(undisturbed.Folder, from) });
            using CancellationTokenSource stop = new();
            using Pretrainer trainer = new(configuration.Recipe, configuration.Options);
            CollectedReports reports = new() { Then = _ => stop.Cancel() };
            trainer.Run(reports, stop.Token);
            Assert.Equal(undisturbed.Reports[^1].ValidationLoss!.Value, reports.All[0].ValidationLoss!.Value, 1e-6);
        }
        PretrainingRecipe foreign = _folder.Read().Recipe with
        {
            From = Fixtures.Path("corenet/micro/checkpoint_average.pt"),
        };
        Assert.Contains(
            "checkpoint_average.pt", Assert.Throws<InvalidDataException>(() => new Pretrainer(foreign, new())).Message);
    }

    [Fact]
    public void Updates_that_are_not_finite_are_left_out_and_then_end_the_run()
    {
        PretrainingConfiguration configuration = _folder.Read(
            "scheduler.name=fixed", "scheduler.fixed.lr=1e30", "scheduler.warmup_iterations=0");
        CollectedReports reports = new();
        using Pretrainer trainer = new(
            configuration.Recipe, configuration.Options with { Validation = null, MaxSkippedInARow = 2 });
        var problem = Assert.Throws<InvalidOperationException>(() => trainer.Run(reports));
        Assert.Equal([false, true, true], reports.All.Select(report => report.IsSkipped));
        Assert.Matches(@"^Update 4: (the loss|a gradient) is infinite or NaN for 3 updates in a row \(.*shard_\d\d\.jsonl documents? \d", problem.Message);
    }

    [Fact]
    public void Vocabulary_smaller_than_the_tokenizers_is_refused()
    {
        PretrainingRecipe recipe = _folder.Read().Recipe;
        recipe = recipe with { Model = recipe.Model with { VocabularySize = 2048, PaddingIndex = null } };
        Assert.Contains(
            "must be 2049 or more", Assert.Throws<ArgumentException>(() => new Pretrainer(recipe, new())).Message);
    }

    private static void Compare(SafetensorsFile expected, string kind, string file, Func<string, string> name)
    {
        using var scope = new ArrayScope();
        Dictionary<string, MlxArray> actual = ArrayFile.Read(file);
        string[] keys = [.. expected.Tensors.Keys.Where(key => key.StartsWith(kind, StringComparison.Ordinal))];
        Assert.NotEmpty(keys);
        foreach (string key in keys)
        {
            float[] values = actual[name(key[(key.IndexOf('.') + 1)..])].Floats();
            GoldenArrays.Close(expected.Doubles(key), values, 1e-4, key);
            GoldenArrays.CloseOnAverage(expected.Doubles(key), values, 1e-6, key);
        }
    }

    private Pretrainer Open(string name, params string[] overrides) => Open(_folder, _folder.At(name), overrides);

    private static Pretrainer Open(PretrainingFolder folder, string output, params string[] overrides)
    {
        PretrainingConfiguration configuration = folder.Read(overrides);
        return new Pretrainer(configuration.Recipe, configuration.Options with { Folder = output });
    }

    private TrainingResult Train(
        string name, bool resume = false, Action<TrainingReport>? then = null, CancellationToken stop = default)
    {
        using Pretrainer trainer = Open(name);
        if (resume)
            trainer.Resume();
        return trainer.Run(new CollectedReports { Then = then }, stop);
    }

    // On MLX to rounding, which is not looked at here.
    private void AssertSame(string name)
    {
        string own = _folder.At(name);
        Assert.Equal(undisturbed.Lines, Lines(own).Length);
        if (!TestProvider.IsCpu)
            return;
        foreach (string file in new[] { "model.safetensors", "ema.safetensors", "state.safetensors", "data.json" })
            Assert.Equal(
                File.ReadAllBytes(Path.Combine(undisturbed.Folder, "checkpoints", "0000009", file)),
                File.ReadAllBytes(Path.Combine(own, "checkpoints", "0000009", file)));
        Assert.Equal(Lines(undisturbed.Folder), Lines(own));
    }

    // Everything that does not depend on the clock.
    private static string[] Lines(string folder) => [.. File.ReadLines(Path.Combine(folder, "metrics.jsonl"))
        .Select(line => JsonDocument.Parse(line).RootElement)
        .Select(line =>
            string.Join(' ', new[] { "step", "train_loss", "val_loss", "learning_rate", "grad_norm", "tokens" }
            .Select(name => line.GetProperty(name).GetRawText())))];

    /// <summary>A run from beginning to end, without a break.</summary>
    public sealed class UndisturbedRun : IDisposable
    {
        private readonly PretrainingFolder _folder = new();

        public UndisturbedRun()
        {
            CollectedReports reports = new();
            using Pretrainer trainer = Open();
            trainer.Run(reports);
            Reports = reports.All;
            Lines = Reports.Count;
        }

        public string Folder => _folder.At("whole");

        /// <summary>The run again, at its beginning.</summary>
        internal Pretrainer Open() => PretrainerTests.Open(_folder, Folder);

        public IReadOnlyList<TrainingReport> Reports { get; }

        public int Lines { get; }

        public void Dispose() => _folder.Dispose();
    }
}
