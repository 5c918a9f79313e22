namespace ElmMlx.Evaluation;

/// <summary>
/// How rows are put through the model. Nothing here changes a result but by rounding, except the length.
/// </summary>
public sealed record EvaluationOptions
{
    /// <summary>Rows that go through the model together.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>The largest number of tokens in a row.</summary>
    public int MaxSequenceLength { get; init; } = 2048;

    /// <summary>
    /// How many of the first logits are in the softmax; null takes all. CoreNet leaves out what lies beyond the
    /// tokenizer's vocabulary, mlx-lm does not.
    /// </summary>
    public int? CandidateCount { get; init; }

    /// <summary>Throws where a number is impossible.</summary>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxSequenceLength, 2);
        if (CandidateCount is { } count)
            ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, nameof(CandidateCount));
    }
}
