using ElmMlx.Datasets;
using ElmMlx.Lora;
using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;
using ElmMlx.Training;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// The loop's rules, on one parameter w [3]. The loss of a token is w[token], so the gradient of a batch's sum counts
/// the tokens: all expected numbers can be counted by hand.
/// </summary>
[Collection(GradientCollection.Name)]
public sealed class TrainerTests
{
    // One row a batch: three times token 1, then once token 2.
    private static readonly TokenRow[] Rows = [TokenRow.From([0, 1, 1, 1]), TokenRow.From([0, 2])];

    // Tokens: (0, 3, 0) + (0, 0, 1) over 4. Batches: the mean of (0, 1, 0) and (0, 0, 1).
    [Theory]
    [InlineData(false, 0.75f, 0.25f)]
    [InlineData(true, 0.5f, 0.5f)]
    public void Accumulation_weighs_tokens_or_batches(bool averages, float first, float second)
    {
        Run run = new(Rows, new TrainingOptions
        {
            Iterations = 2,
            GradientAccumulationSteps = 2,
            AveragesBatchMeans = averages,
        });
        run.Train();
        Assert.Equal([0, -first, -second], run.Weights);
        Assert.Null(run.Reports.All[0].GradientNorm);
        Assert.Equal(Math.Sqrt(first * first + second * second), run.Reports.All[1].GradientNorm!.Value, 1e-6);
    }

    [Fact]
    public void Last_batches_that_fill_no_window_are_used()
    {
        Run run = new(Rows, new TrainingOptions { Iterations = 3, GradientAccumulationSteps = 2 });
        run.Train();
        // the second epoch's first batch alone: (0, 1, 0)
        Assert.Equal([0, -1.75f, -0.25f], run.Weights);
        Assert.Equal(2, run.Optimizer.Step);
    }

    [Fact]
    public void Epochs_follow_each_other_and_tokens_are_counted()
    {
        Run run = new(Rows, new TrainingOptions { Iterations = 5 });
        run.Train();
        Assert.Equal([0, 0, 1, 1, 2], run.Reports.All.Select(report => report.Epoch));
        Assert.Equal([3, 4, 7, 8, 11], run.Reports.All.Select(report => report.Tokens));
        Assert.Equal([3, 1, 3, 1, 3], run.Reports.All.Select(report => report.StepTokens));
        // the loss before each update: w[1] is 0, -1, -2 when its turn comes, w[2] is 0 and -1
        Assert.Equal([0, 0, -1, -1, -2], run.Reports.Losses);
    }

    [Fact]
    public void Clipping_keeps_the_direction_and_reports_the_norm_before()
    {
        Run run = new(
            Rows, new TrainingOptions { Iterations = 2, GradientAccumulationSteps = 2, ClipGradientNorm = 0.1 });
        run.Train();
        Assert.Equal(0.1, Math.Sqrt(run.Weights.Sum(w => (double)w * w)), 1e-5);
        Assert.Equal(3, run.Weights[1] / run.Weights[2], 1e-4);
        Assert.Equal(Math.Sqrt(0.625), run.Reports.All[1].GradientNorm!.Value, 1e-5);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Batch_without_a_finite_loss_is_left_out_and_the_run_goes_on(float factor)
    {
        Run run = new(Rows, new TrainingOptions { Iterations = 4 })
        {
            Factor = step => step is 2 or 3 ? factor : 1,
        };
        TrainingResult result = run.Train();
        Assert.Equal([0, -1, -1], run.Weights);      // steps 1 and 4
        Assert.Equal([false, true, true, false], run.Reports.All.Select(report => report.IsSkipped));
        Assert.Equal((2L, 4L), (result.SkippedBatches, result.Tokens));
        Assert.Equal(2, run.Optimizer.Step);
    }

    [Fact]
    public void Gradient_that_is_not_finite_is_noticed_beside_a_finite_loss()
    {
        // d√x/dx at 0 is infinite, times 0 is NaN; the loss itself is 0
        Run run = new(Rows, new TrainingOptions { Iterations = 2 })
        {
            Added = (w, step) => step == 1 ? (w * 0).Sqrt().Sum() : MlxArray.Scalar(0.0),
        };
        run.Train();
        Assert.Equal([true, false], run.Reports.All.Select(report => report.IsSkipped));
        Assert.Equal(0, run.Reports.All[0].TrainLoss);
        Assert.Equal([0, 0, -1], run.Weights);
    }

    [Fact]
    public void Bad_batch_of_a_window_does_not_spoil_the_others()
    {
        Run run = new(Rows, new TrainingOptions { Iterations = 4, GradientAccumulationSteps = 2 })
        {
            Factor = step => step is 1 or 3 or 4 ? float.NaN : 1,
        };
        run.Train();
        Assert.Equal([0, 0, -1], run.Weights);       // the first window has batch 2 left, the second nothing
        Assert.Equal(1, run.Optimizer.Step);
        Assert.Null(run.Reports.All[3].GradientNorm);
    }

    [Fact]
    public void Run_that_stays_broken_ends_with_step_rows_and_rate()
    {
        Run run = new(Rows, new TrainingOptions { Iterations = 100, MaxSkippedInARow = 2 })
        {
            Factor = step => step >= 2 ? float.NaN : 1,
        };
        string message = Assert.Throws<InvalidOperationException>(() => run.Train()).Message;
        Assert.Equal(
            "Step 4: the loss is infinite or NaN for 3 batches in a row (rows: data.jsonl, line 2; learning rate " +
                "1). Lower " +
            "the learning rate, clip the gradient, or look at these rows; the last checkpoint stands.", message);
        Assert.Equal([0, -1, 0], run.Weights);
    }

    [Fact]
    public void Batch_where_nothing_counts_changes_nothing()
    {
        Run run = new(
            [TokenRow.From([0, 1], offset: 2), TokenRow.From([0, 2])], new TrainingOptions { Iterations = 2 });
        run.Train();
        Assert.Equal([0, 0, -1], run.Weights);
        Assert.Null(run.Reports.All[0].TrainLoss);
        Assert.False(run.Reports.All[0].IsSkipped);
    }

    [Fact]
    public void Evaluations_come_before_between_and_after()
    {
        Run run = new(Rows, new TrainingOptions { Iterations = 7, StepsPerEvaluation = 3 }) { HasValidation = true };
        run.Train();
        Assert.Equal(
            [0, 3, 6, 7],
            run.Reports.All.Where(report => report.ValidationLoss is not null).Select(report => report.Step));
        // both rows, each token the same: (3 w[1] + w[2]) / 4 after the updates
        Assert.Equal([0, -1.75, -3, -3.75], run.Reports.All.Select(report => report.ValidationLoss).OfType<double>());
        Assert.All(run.Reports.All.Where(report => report.ValidationLoss is not null), report =>
            Assert.True(report.IsBest));
    }

    [Fact]
    public void Training_stops_when_the_validation_loss_no_longer_falls()
    {
        double[] losses = [5, 4, 4.5, 3, 3, 3.5, 1];
        int next = 0;
        Run run = new(Rows, new TrainingOptions { Iterations = 100, StepsPerEvaluation = 2, Patience = 2 })
        {
            HasValidation = true,
            Validation = () => losses[next++ / 2] * 2,      // two batches of which the mean is taken: (2·3 + 2·1) / 4 …
        };
        TrainingResult result = run.Train();
        // lowest after the fourth evaluation (step 6), then an equal and a higher one
        Assert.Equal((TrainingEnd.StoppedEarly, 10L, 6L), (result.End, result.Step, result.BestStep));
        Assert.Equal(
            [true, true, false, true, false, false],
            run.Reports.All.Where(report => report.ValidationLoss is not null).Select(report => report.IsBest));
    }

    [Fact]
    public void Cancellation_ends_after_the_step()
    {
        using CancellationTokenSource stop = new();
        Run run = new(Rows, new TrainingOptions { Iterations = 100 })
        {
            Reports = new CollectedReports { Then = report => { if (report.Step == 3) stop.Cancel(); } },
        };
        TrainingResult result = run.Train(stop.Token);
        Assert.Equal((TrainingEnd.Interrupted, 3L), (result.End, result.Step));
    }

    [Theory]
    [InlineData("iters is 0; it must be at least 1.")]
    [InlineData("val_batches is 0; it must be at least 1, or -1 for all.")]
    [InlineData("clip_grad_norm is 0; it must be above 0.")]
    [InlineData("keep_last is 0; it must be at least 1.")]
    public void Impossible_option_is_refused(string message)
    {
        TrainingOptions options = message.Split(' ')[0] switch
        {
            "iters" => new TrainingOptions { Iterations = 0 },
            "val_batches" => new TrainingOptions { ValidationBatches = 0 },
            "clip_grad_norm" => new TrainingOptions { ClipGradientNorm = 0 },
            _ => new TrainingOptions { KeepLast = 0 },
        };
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => new Run(Rows, options).Train()).Message);
    }

    [Fact]
    public void Frozen_model_is_refused()
    {
        using OpenElmModel model = MlxLmTests.Load("micro");
        model.Freeze();
        using Optimizer optimizer = OptimizerFactory.Create("sgd", 1);
        Assert.Contains("frozen", Assert.Throws<ArgumentException>(() => new Trainer(
            model.TrainableParameters(), optimizer, LanguageModelLoss.Of(model, 0), TrainingTraces.Batches(Rows), null,
            new TrainingOptions())).Message, StringComparison.Ordinal);
    }

    // 3 w[1] and then w[2], each over a weight of 2; the figure is Σ 2 w over that too.
    [Fact]
    public void Loss_can_weigh_otherwise_than_by_tokens_and_measure_more()
    {
        Run run = new(Rows, new TrainingOptions { Iterations = 2 })
        {
            Weight = 2,
            Figures = w => [("twice", (w * 2).Sum())],
            HasValidation = true,
        };
        run.Train();
        Assert.Equal([0, -1.5f, -0.5f], run.Weights);
        Assert.Equal([(3, 2L), (1, 2L)], run.Reports.Steps.Select(report => (report.StepTokens, report.StepWeight)));
        Assert.Equal([[("twice", 0)], [("twice", -1.5)]], run.Reports.Steps.Select(report => report.TrainFigures));
        // after training, two batches of weight 2: (3 · −1.5 − 0.5) / 4 and 2 · (2 · −2) / 4
        Assert.Equal((-1.25, "twice", -2), (
            run.Reports.All[2].ValidationLoss, run.Reports.All[2].ValidationFigures[0].Name,
            run.Reports.All[2].ValidationFigures[0].Mean));
    }

    // 2⁻⁹ is a quarter of the distance between neighbours of bfloat16 above 1: one step rounds away, five do not.
    [Fact]
    public void Small_steps_of_a_bfloat16_parameter_add_up()
    {
        Run run = new([TokenRow.From([0, 1])], new TrainingOptions { Iterations = 5 }, DType.BFloat16, 1 / 512f)
        {
            Start = [2, 2, 2],
        };
        run.Train();
        Assert.Equal([2, 2 - 1 / 128f, 2], run.Weights);
        Assert.Equal(DType.BFloat16, run.Parameter.Value.DType);
        Assert.Contains("w.master", run.Optimizer.State.Keys);
    }

    [Fact]
    public void Dropout_follows_from_seed_and_step_and_is_off_in_evaluations()
    {
        float[] first = Losses(seed: 1), again = Losses(seed: 1), other = Losses(seed: 2);
        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
        Assert.NotEqual(first[0], first[1]);
        Assert.Equal(first[2], other[2]);

        static float[] Losses(ulong seed)
        {
            using ArrayScope scope = new();
            using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
            LoraAdapters.AddTo(model, new LoraOptions { Rank = 4, LayerCount = 0, Dropout = 0.5 });
            foreach ((_, Parameter parameter) in model.TrainableParameters())
                parameter.Replace(MlxArray.Full(parameter.Value.Shape, 0.02f));
            BatchLoss loss = LanguageModelLoss.Of(model, seed);
            using Batch batch = TrainingTraces.Batches(TrainingTraces.Rows()).Get(0, 0);
            return [.. new long?[] { 1, 2, null }.Select(step => loss(batch, step).Sum.Item<float>())];
        }
    }

    // Live arrays and bytes after a step are the same after the third as after the twelfth.
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void Nothing_grows_with_the_steps(int accumulated, bool checkpointed)
    {
        using ArrayScope scope = new();
        using OpenElmModel model = TrainingTraces.Model(FineTuneType.Lora);
        model.CheckpointsLayers = checkpointed;
        using Optimizer optimizer = OptimizerFactory.Create("adam", 1e-3);
        List<(int Arrays, long Bytes)> alive = [];
        using Trainer trainer = new(
            model.TrainableParameters(), optimizer, LanguageModelLoss.Of(model, 0),
            TrainingTraces.Batches(TrainingTraces.Rows()), null,
            new TrainingOptions { Iterations = 16, GradientAccumulationSteps = accumulated });
        trainer.Run(new CollectedReports { Then = _ => alive.Add((scope.Count, MlxMemory.ActiveBytes)) });
        Assert.Equal(alive[3].Arrays, alive[15].Arrays);
        Assert.InRange(alive[15].Bytes - alive[3].Bytes, long.MinValue, 1024);
    }

    /// <summary>A run on w.</summary>
    private sealed class Run(
        IReadOnlyList<TokenRow> rows, TrainingOptions options, DType type = DType.Float32, float rate = 1)
    {
        public Parameter Parameter { get; private set; } = null!;

        public float[] Start { get; init; } = [0, 0, 0];

        public Optimizer Optimizer { get; } = OptimizerFactory.Create("sgd", rate);

        public CollectedReports Reports { get; init; } = new();

        public bool HasValidation { get; init; }

        /// <summary>What the loss of a step is multiplied with.</summary>
        public Func<long, float> Factor { get; init; } = _ => 1;

        /// <summary>What is added to a step's loss.</summary>
        public Func<MlxArray, long, MlxArray>? Added { get; init; }

        /// <summary>What the loss is divided by; null: the number of tokens.</summary>
        public long? Weight { get; init; }

        /// <summary>What else is measured.</summary>
        public Func<MlxArray, (string, MlxArray)[]>? Figures { get; init; }

        /// <summary>The loss of a validation batch, for its two tokens.</summary>
        public Func<double>? Validation { get; init; }

        public float[] Weights => Parameter.Value.Floats();

        public TrainingResult Train(CancellationToken cancellation = default)
        {
            Parameter = new Parameter("w", MlxArray.From<float>(Start).AsType(type));
            DatasetBatches batches = new(
                rows, new BatchOptions { BatchSize = 1, Order = BatchOrder.Sequential, PadMultiple = 1 },
                row => $"data.jsonl, line {row + 1}");
            using Trainer trainer = new(
                [("w", Parameter)], Optimizer, Loss, batches, HasValidation ? batches : null, options);
            return trainer.Run(Reports, cancellation);
        }

        private LossSum Loss(Batch batch, long? step)
        {
            if (step is null && Validation is not null)
                return new LossSum(MlxArray.Scalar(Validation()), 2);
            MlxArray sum = (Parameter.Value.Take(batch.Targets, 0) * batch.Mask).Sum();
            if (step is { } number)
                sum = sum * Factor(number);
            if (step is { } other && Added is not null)
                sum += Added(Parameter.Value, other);
            return new LossSum(sum, Weight ?? batch.TokenCount)
            {
                Tokens = batch.TokenCount,
                Figures = Figures?.Invoke(Parameter.Value) ?? [],
            };
        }
    }
}
