namespace ElmMlx.Training;

/// <summary>
/// What the loop says after every step, and after an evaluation: one object of <c>metrics.jsonl</c>.
/// </summary>
public sealed record TrainingReport
{
    /// <summary>Finished steps, from 1; the evaluation before training has 0.</summary>
    public required long Step { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>
    /// Mean loss of all that counts in the step's batch (tokens, or pairs), before the update; null in the report of
    /// step 0. NaN or infinite where that is why the step was skipped.
    /// </summary>
    public double? TrainLoss { get; init; }

    /// <summary>What else the loss measured in the step's batch, as means.</summary>
    public IReadOnlyList<(string Name, double Mean)> TrainFigures { get; init; } = [];

    /// <summary>Mean loss of all that counts in the validation set; null where the step evaluates nothing.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>What else the loss measured on the validation set, as means.</summary>
    public IReadOnlyList<(string Name, double Mean)> ValidationFigures { get; init; } = [];

    /// <summary>Whether <see cref="ValidationLoss"/> is the lowest so far.</summary>
    public bool IsBest { get; init; }

    /// <summary>Seconds that the evaluation took.</summary>
    public double ValidationSeconds { get; init; }

    /// <summary>Learning rate of the step's update.</summary>
    public double LearningRate { get; init; }

    /// <summary>√Σg² over all trained parameters, before clipping; null in the report of step 0.</summary>
    public double? GradientNorm { get; init; }

    /// <summary>Counted tokens of this step.</summary>
    public int StepTokens { get; init; }

    /// <summary>What <see cref="TrainLoss"/> is a mean over: the number of counted tokens, or of pairs.</summary>
    public long StepWeight { get; init; }

    /// <summary>Counted tokens of all steps so far, those before a resume included.</summary>
    public long Tokens { get; init; }

    /// <summary>Counted tokens of this step per second.</summary>
    public double TokensPerSecond { get; init; }

    /// <summary>The most memory that arrays used since this process began training, in bytes.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>Passes through the data set, from 0.</summary>
    public int Epoch { get; init; }

    /// <summary>Whether the batch was left out because its loss or a gradient was NaN or infinite.</summary>
    public bool IsSkipped { get; init; }

    /// <summary>The checkpoint folder that was written after this step; null for none.</summary>
    public string? SavedCheckpoint { get; init; }
}
