namespace ElmMlx.Datasets;

/// <summary>What reading a data set came to: nothing is left out without a count.</summary>
public sealed record DatasetReport
{
    /// <summary>Records read, the bad ones included.</summary>
    public long Records { get; init; }

    /// <summary>Rows to train on.</summary>
    public int Rows { get; init; }

    /// <summary>Tokens in these rows.</summary>
    public long Tokens { get; init; }

    /// <summary>Targets that count in these rows.</summary>
    public long LearnedTokens { get; init; }

    /// <summary>Records that were cut off.</summary>
    public int Truncated { get; init; }

    /// <summary>Tokens that were cut off.</summary>
    public long TruncatedTokens { get; init; }

    /// <summary>Records that became several rows.</summary>
    public int Split { get; init; }

    /// <summary>Rows left out because nothing in them is to be learnt.</summary>
    public int NothingToLearn { get; init; }

    /// <summary>Records left out because they cannot be read.</summary>
    public int Skipped { get; init; }

    /// <summary>Why, for the first hundred of them: one sentence each, with file and line.</summary>
    public IReadOnlyList<string> SkippedReasons { get; init; } = [];
}
