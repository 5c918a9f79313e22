namespace ElmMlx.Training;

/// <summary>How a run ended.</summary>
public sealed record TrainingResult
{
    /// <summary>Why.</summary>
    public required TrainingEnd End { get; init; }

    /// <summary>Finished steps.</summary>
    public required long Step { get; init; }

    /// <summary>Counted tokens of all steps.</summary>
    public required long Tokens { get; init; }

    /// <summary>Batches that were left out because of NaN or infinity.</summary>
    public required long SkippedBatches { get; init; }

    /// <summary>The lowest validation loss; null when there was no evaluation.</summary>
    public double? BestLoss { get; init; }

    /// <summary>The step after which <see cref="BestLoss"/> was measured.</summary>
    public long BestStep { get; init; }

    /// <summary>The newest checkpoint's folder; null when nothing is written.</summary>
    public string? Checkpoint { get; init; }
}
