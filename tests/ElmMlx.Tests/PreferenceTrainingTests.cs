using ElmMlx.Datasets;
using ElmMlx.Lora;
using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;
using ElmMlx.Preference;
using ElmMlx.Text;
using ElmMlx.Training;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// Preference tuning of the micro model: the reference, the first step, the gradient, what is learnt, going on.
/// </summary>
[Collection(GradientCollection.Name)]
public sealed class PreferenceTrainingTests : IDisposable
{
    private const int Iterations = 9;
    private static readonly string[] Embedding = ["transformer.token_embeddings"];
    private readonly string _root = Directory.CreateTempSubdirectory("elmmlx-dpo-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Log_probability_is_the_sum_over_the_answer_alone()
    {
        using ArrayScope scope = new();
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        PreferenceDataset dataset = Pairs(3);
        using Batch batch = Batches(dataset).Get(0, 0);
        float[] actual = AnswerLogProbs.Of(model, batch).ToArray<float>();
        double[] expected = [.. batch.Rows.Select(row => Naive(model, dataset.Rows[row]))];
        GoldenArrays.Close(expected, actual, 2e-4, "log-probabilities");
    }

    [Theory]
    [InlineData(FineTuneType.Lora, false, DType.Float32)]
    [InlineData(FineTuneType.Dora, false, DType.Float32)]
    [InlineData(FineTuneType.Lora, true, DType.Float32)]
    [InlineData(FineTuneType.Dora, true, DType.Float32)]
    [InlineData(FineTuneType.Lora, false, DType.BFloat16)]
    public void Model_with_its_adapters_off_is_the_base_model(FineTuneType type, bool embedding, DType weights)
    {
        using ArrayScope scope = new();
        using OpenElmModel model = MlxLmTests.Load("micro", weights);
        using Batch batch = Batches(Pairs(3)).Get(0, 0);
        float[] before = AnswerLogProbs.Of(model, batch).ToArray<float>();
        LoraAdapters.AddTo(model, new LoraOptions
        {
            Type = type,
            Rank = 4,
            LayerCount = 0,
            Dropout = 0.5,
            Keys = embedding ? Embedding : null,
        });
        foreach ((_, Parameter parameter) in model.TrainableParameters())
            parameter.Replace(MlxArray.Full(parameter.Value.Shape, 0.02f));
        float[] adapted = AnswerLogProbs.Of(model, batch).ToArray<float>();
        Assert.All(before.Zip(adapted), pair => Assert.True(Math.Abs(pair.First - pair.Second) > 1e-3));
        using (new AdaptersOff(model))
        {
            Assert.Equal(before, AnswerLogProbs.Of(model, batch).ToArray<float>());
            using (new AdaptersOff(model))
                Assert.Equal(before, AnswerLogProbs.Of(model, batch).ToArray<float>());
            Assert.Equal(before, AnswerLogProbs.Of(model, batch).ToArray<float>());
        }
        Assert.Equal(adapted, AnswerLogProbs.Of(model, batch).ToArray<float>());
    }

    [Theory]
    [InlineData(PreferenceLossKind.Sigmoid, 0.69314718)]
    [InlineData(PreferenceLossKind.Hinge, 1)]
    public void Fresh_adapters_begin_at_the_reference(PreferenceLossKind kind, double loss)
    {
        Run run = new()
        {
            Options = new TrainingOptions { Iterations = 1 },
            Loss = new PreferenceLossOptions { Kind = kind },
        };
        run.Train();
        Assert.Equal([0, 1], run.Reports.All.Select(report => report.Step));
        Assert.Equal(loss, run.Reports.All[0].ValidationLoss!.Value, 1e-4);
        Assert.Equal(loss, run.Reports.All[1].TrainLoss!.Value, 1e-4);
        Assert.All(run.Reports.All[1].TrainFigures.Where(figure => figure.Name != "accuracy"), figure =>
            Assert.Equal(0, figure.Mean, 1e-4));
        Assert.Equal(4, run.Reports.All[1].StepWeight);
        Assert.True(run.Reports.All[1].StepTokens > 8);
    }

    // ∇ of the loss of one pair is −β σ(−β z) (∇π_c − ∇π_r), and the sum of a row's cross-entropies is −π.
    [Fact]
    public void Gradient_is_the_closed_form_of_the_rows_gradients()
    {
        using ArrayScope scope = new();
        const double beta = 0.3;
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        PreferenceDataset dataset = Pairs(1);
        PreferenceBatches batches = Batches(dataset);
        LoraAdapters.AddTo(model, new LoraOptions { Rank = 2, LayerCount = 2 });
        ReferenceLogProbs reference = ReferenceLogProbs.Compute(model, batches);
        var random = new Random(3);
        foreach ((_, Parameter parameter) in model.TrainableParameters())
            parameter.Replace(MlxArray.From<float>(
                [.. Enumerable.Range(0, (int)parameter.Value.Size)
                    .Select(_ => (float)(random.NextDouble() - 0.5) * 0.02f)],
                parameter.Value.Shape));
        Parameter[] parameters = [.. model.TrainableParameters().Select(entry => entry.Parameter)];

        using Batch pair = batches.Get(0, 0);
        BatchLoss loss = PreferenceLoss.Of(model, reference, new PreferenceLossOptions { Beta = beta }, 0);
        float[] actual = Gradient(() => loss(pair, null).Sum);
        LossSum at = loss(pair, null);
        double margin = at.Figures.Single(figure => figure.Name == "margin").Sum.Item<float>();
        Assert.True(Math.Abs(margin) > 1e-3, $"margin {margin}");
        BatchLoss plain = LanguageModelLoss.Of(model, 0);
        float[][] rows = [.. Enumerable.Range(0, 2).Select(row =>
        {
            using Batch one = Batch.Create(dataset.Rows, [row], new BatchOptions());
            return Gradient(() => plain(one, null).Sum);
        })];
        double factor = -beta / (1 + Math.Exp(margin));
        double[] expected = [.. rows[0].Zip(rows[1], (chosen, rejected) => factor * (-(double)chosen + rejected))];
        GoldenArrays.Close(expected, actual, 1e-4 * expected.Max(Math.Abs), "gradient");

        float[] Gradient(Func<MlxArray> function)
        {
            (_, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(parameters, () => [function()]);
            return [.. gradients.SelectMany(gradient => gradient.Floats())];
        }
    }

    [Theory]
    [InlineData(PreferenceLossKind.Sigmoid, FineTuneType.Lora)]
    [InlineData(PreferenceLossKind.Hinge, FineTuneType.Full)]
    public void Model_learns_to_prefer(PreferenceLossKind kind, FineTuneType type)
    {
        Run run = new()
        {
            Options = new TrainingOptions { Iterations = 30, StepsPerEvaluation = 30 },
            Loss = new PreferenceLossOptions { Kind = kind },
            Type = type,
        };
        run.Train();
        TrainingReport first = run.Reports.All[1], last = run.Reports.All[^1];
        Assert.True(last.TrainLoss < 0.3 * first.TrainLoss, $"loss {first.TrainLoss}, then {last.TrainLoss}");
        Assert.Equal(1, Figure(last.TrainFigures, "accuracy"));
        Assert.Equal(1, Figure(last.ValidationFigures, "accuracy"));
        Assert.True(Figure(last.ValidationFigures, "margin") > 1);
        Assert.Equal(
            Figure(last.TrainFigures, "margin"),
            Figure(last.TrainFigures, "reward_chosen") - Figure(last.TrainFigures, "reward_rejected"), 1e-4);

        static double Figure(IReadOnlyList<(string Name, double Mean)> figures, string name) =>
            figures.Single(figure => figure.Name == name).Mean;
    }

    [Fact]
    public void Interrupted_run_ends_with_the_same_bits()
    {
        string whole = Path.Combine(_root, "whole"), parts = Path.Combine(_root, "parts");
        Resumable(whole).Train();
        for (int stop = 2; stop <= 6; stop += 4)    // in the middle of a window, and after an evaluation
        {
            using CancellationTokenSource source = new();
            Run part = Resumable(parts, report => { if (report.Step >= stop) source.Cancel(); });
            part.Train(resume: stop > 2, source.Token);
        }
        Resumable(parts).Train(resume: true);
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(whole, "adapters.safetensors")),
            File.ReadAllBytes(Path.Combine(parts, "adapters.safetensors")));
        Assert.Equal(Lines(whole), Lines(parts));
        Assert.Contains("\"train_margin\":", Lines(whole)[1], StringComparison.Ordinal);
        Assert.Contains("\"val_accuracy\":", Lines(whole)[0], StringComparison.Ordinal);

        static Run Resumable(string folder, Action<TrainingReport>? then = null) => new()
        {
            Options = new TrainingOptions
            {
                Iterations = Iterations,
                GradientAccumulationSteps = 2,
                StepsPerEvaluation = 5,
                SaveEvery = 2,
                Folder = folder,
            },
            Dropout = 0.1,
            Reports = new CollectedReports { Then = then },
        };

        // without what a clock says
        static string[] Lines(string folder) => [.. File.ReadLines(Path.Combine(folder, "metrics.jsonl"))
            .Select(line => line[..line.IndexOf("\"tokens_per_second\"", StringComparison.Ordinal)])];
    }

    [Fact]
    public void Batch_beyond_the_limit_has_no_reference()
    {
        using ArrayScope scope = new();
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        PreferenceBatches batches = new(Pairs(6), new BatchOptions { BatchSize = 2 });
        List<(int, int)> told = [];
        ReferenceLogProbs reference = ReferenceLogProbs.Compute(model, batches, limit: 2, new Told(told.Add));
        Assert.Equal([(1, 2), (2, 2)], told);
        BatchLoss loss = PreferenceLoss.Of(model, reference, new PreferenceLossOptions(), 0);
        using Batch known = batches.Get(0, 1), unknown = batches.Get(0, 2);
        Assert.Equal(2 * Math.Log(2), loss(known, null).Sum.Item<float>(), 1e-4);
        Assert.Throws<InvalidOperationException>(() => loss(unknown, null));
    }

    [Fact]
    public void Reference_that_is_not_finite_names_the_line()
    {
        using ArrayScope scope = new();
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        Parameter norm = model.NamedParameters().Single(entry => entry.Path == "norm.weight").Parameter;
        norm.Replace(MlxArray.Full(norm.Value.Shape, double.NaN));
        Assert.Contains(
            "line 1: the reference's log-probability is NaN or infinite",
            Assert.Throws<InvalidDataException>(() => ReferenceLogProbs.Compute(model, Batches(Pairs(1)))).Message,
            StringComparison.Ordinal);
    }

    private static double Naive(OpenElmModel model, TokenRow row)
    {
        float[] logits = model.Forward(MlxArray.From<int>(row.Ids[..^1], 1, row.Length - 1)).Floats();
        int vocabulary = model.Config.VocabularySize;
        double sum = 0;
        for (int i = 1; i < row.Length; i++)
        {
            if (!row.Learned[i])
                continue;
            float[] at = logits[((i - 1) * vocabulary)..(i * vocabulary)];
            double largest = at.Max();
            sum += at[row.Ids[i]] - largest - Math.Log(at.Sum(logit => Math.Exp(logit - largest)));
        }
        return sum;
    }

    private static PreferenceBatches Batches(PreferenceDataset dataset) => new(dataset, new BatchOptions { Seed = 7 });

    private PreferenceDataset Pairs(int count) => Write(_root, "pairs", count);

    private static PreferenceDataset Write(string folder, string name, int count)
    {
        string path = Path.Combine(Directory.CreateDirectory(folder).FullName, name + ".jsonl");
        File.WriteAllLines(path, Enumerable.Range(0, count).Select(
            i => $$"""{"prompt": "Is {{i}} a number{{new string('?', i)}}", "chosen": " yes", "rejected": " no, never"}"""));
        return PreferenceDataset.Load(path, Tokenizer.Load(Fixtures.Path("mlx-lm/micro")));
    }

    private sealed class Told(Action<(int, int)> tell) : IProgress<(int Done, int Total)>
    {
        public void Report((int Done, int Total) value) => tell(value);
    }

    /// <summary>A run on ten pairs, with four of them to validate.</summary>
    private sealed class Run
    {
        public required TrainingOptions Options { get; init; }

        public PreferenceLossOptions Loss { get; init; } = new();

        public FineTuneType Type { get; init; }

        public double Dropout { get; init; }

        public CollectedReports Reports { get; init; } = new();

        public void Train(bool resume = false, CancellationToken cancellation = default)
        {
            string folder = Directory.CreateTempSubdirectory("elmmlx-pairs-").FullName;
            try
            {
                using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
                LoraAdapters.AddTo(model, new LoraOptions { Type = Type, Rank = 4, LayerCount = 2, Dropout = Dropout });
                PreferenceBatches train = Batches(
                    Write(folder, "train", 10)), held = Batches(Write(folder, "valid", 4));
                BatchLoss Of(PreferenceBatches batches) =>
                    PreferenceLoss.Of(
                        model, ReferenceLogProbs.Compute(model, batches, cancellation: cancellation), Loss, 7);

                using Optimizer optimizer = OptimizerFactory.Create("adam", 5e-4);
                using Trainer trainer = new(
                    model.TrainableParameters(), optimizer, Of(train), train, held,
                    Options with { TensorName = OpenElmModel.MlxLmName }, Of(held));
                if (resume)
                    Assert.NotNull(trainer.Resume().Step);
                trainer.Run(Reports, cancellation);
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }
}
