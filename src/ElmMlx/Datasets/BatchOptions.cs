namespace ElmMlx.Datasets;

/// <summary>How rows become batches.</summary>
public sealed record BatchOptions
{
    /// <summary>Sequences a batch.</summary>
    public int BatchSize { get; init; } = 4;

    /// <summary>Another seed gives another order.</summary>
    public ulong Seed { get; init; }

    /// <summary>How rows are grouped and ordered.</summary>
    public BatchOrder Order { get; init; }

    /// <summary>The largest number of tokens in a sequence.</summary>
    public int MaxSequenceLength { get; init; } = 2048;

    /// <summary>
    /// Sequences are filled up to a multiple of this many tokens, and one more, as mlx-lm does: batches then come
    /// in few widths. 1: to the longest row.
    /// </summary>
    public int PadMultiple { get; init; } = 32;

    /// <summary>
    /// Puts several rows into one sequence of <see cref="MaxSequenceLength"/>; none of them sees another.
    /// </summary>
    public bool Pack { get; init; }
}
