namespace ElmMlx.Training;

/// <summary>How long to train, what to keep and when to stop; defaults are mlx-lm's where it has the option.</summary>
public sealed record TrainingOptions
{
    /// <summary>Batches to train on, over all epochs.</summary>
    public long Iterations { get; init; } = 1000;

    /// <summary>Batches whose gradients make one update.</summary>
    public int GradientAccumulationSteps { get; init; } = 1;

    /// <summary>
    /// Whether each batch of an update weighs the same, as in mlx-lm, instead of each token.
    /// </summary>
    public bool AveragesBatchMeans { get; init; }

    /// <summary>The largest norm of an update's gradient, √Σg² over all parameters; null does not clip.</summary>
    public double? ClipGradientNorm { get; init; }

    /// <summary>Batches in a row that may be left out because of NaN or infinity; the next one ends the run.</summary>
    public int MaxSkippedInARow { get; init; } = 4;

    /// <summary>Steps between evaluations; the first comes before training, the last after it.</summary>
    public int StepsPerEvaluation { get; init; } = 200;

    /// <summary>Batches of the validation set that an evaluation uses, always the same; −1 takes all.</summary>
    public int ValidationBatches { get; init; } = 25;

    /// <summary>
    /// Evaluations in a row without a new lowest loss after which training stops; null never stops early.
    /// </summary>
    public int? Patience { get; init; }

    /// <summary>Steps between checkpoints; the end of the run makes one too.</summary>
    public int SaveEvery { get; init; } = 100;

    /// <summary>Checkpoints that are kept; older ones are deleted.</summary>
    public int KeepLast { get; init; } = 3;

    /// <summary>
    /// Bytes of freed memory that the provider may keep between steps; null leaves that to it.
    /// </summary>
    public long? ClearCacheThreshold { get; init; }

    /// <summary>
    /// Where weights, checkpoints and <c>metrics.jsonl</c> are written; null writes nothing.
    /// </summary>
    public string? Folder { get; init; }

    /// <summary>A parameter's name in files, from its path in the model.</summary>
    public Func<string, string> TensorName { get; init; } = path => path;

    /// <summary>
    /// Called with every checkpoint's folder before it is complete, to add files of the caller's.
    /// </summary>
    public Action<string>? WriteBeside { get; init; }

    /// <summary>
    /// Everything that decides the numbers of the run, by the name that a person knows it by. A run is resumed only
    /// with the same settings.
    /// </summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Throws where a number is impossible.</summary>
    internal void Check()
    {
        Require(Iterations >= 1, "iters", Iterations, "at least 1");
        Require(GradientAccumulationSteps >= 1, "grad_accumulation_steps", GradientAccumulationSteps, "at least 1");
        Require(ClipGradientNorm is null or > 0, "clip_grad_norm", ClipGradientNorm ?? 0, "above 0");
        Require(MaxSkippedInARow >= 0, "skipped batches in a row", MaxSkippedInARow, "0 or more");
        Require(StepsPerEvaluation >= 1, "steps_per_eval", StepsPerEvaluation, "at least 1");
        Require(ValidationBatches is -1 or >= 1, "val_batches", ValidationBatches, "at least 1, or -1 for all");
        Require(Patience is null or >= 1, "patience", Patience ?? 0, "at least 1");
        Require(SaveEvery >= 1, "save_every", SaveEvery, "at least 1");
        Require(KeepLast >= 1, "keep_last", KeepLast, "at least 1");
    }

    private static void Require(bool holds, string name, double value, string range)
    {
        if (!holds)
            throw new ArgumentException(FormattableString.Invariant($"{name} is {value}; it must be {range}."));
    }
}
