namespace ElmMlx.Training;

/// <summary>
/// Where a run stands, arrays aside: with those, the settings and the data, all that decides what comes next.
/// </summary>
internal sealed record TrainingState
{
    /// <summary>Finished steps: batches that were trained on.</summary>
    public long Step { get; init; }

    /// <summary>Epoch of the next batch.</summary>
    public int Epoch { get; init; }

    /// <summary>Number of the next batch in its epoch.</summary>
    public int Batch { get; init; }

    /// <summary>Counted tokens so far.</summary>
    public long Tokens { get; init; }

    /// <summary>Batches since the last update, when gradients accumulate.</summary>
    public int BatchesInWindow { get; init; }

    public long SkippedUpdates { get; init; }

    public int SkippedInARow { get; init; }

    public double? BestLoss { get; init; }

    public long BestStep { get; init; }

    public int EvaluationsSinceBest { get; init; }

    /// <summary>Whether there is nothing left to do.</summary>
    public bool IsFinished { get; init; }
}
