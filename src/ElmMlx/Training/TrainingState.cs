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

    /// <summary>What their sum of gradients is to be divided by: tokens, pairs or batches.</summary>
    public double WindowWeight { get; init; }

    /// <summary>Batches that were left out because of NaN or infinity.</summary>
    public long SkippedBatches { get; init; }

    /// <summary>Those at the end, without another one between.</summary>
    public int SkippedInARow { get; init; }

    /// <summary>The lowest validation loss; null before the first evaluation.</summary>
    public double? BestLoss { get; init; }

    /// <summary>The step after which it was measured.</summary>
    public long BestStep { get; init; }

    /// <summary>Evaluations after that one.</summary>
    public int EvaluationsSinceBest { get; init; }

    /// <summary>Whether there is nothing left to do.</summary>
    public bool IsFinished { get; init; }
}
