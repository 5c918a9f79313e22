namespace ElmMlx.Datasets;

/// <summary>How CoreNet makes rows of documents; the defaults are CoreNet's.</summary>
public sealed record CoreNetDataOptions
{
    /// <summary>The files.</summary>
    public required IReadOnlyList<CoreNetDataEntry> Entries { get; init; }

    /// <summary>Tokens of a row, L; a row has one more, since its targets are one further.</summary>
    public int SequenceLength { get; init; } = 2048;

    /// <summary>Pieces with fewer tokens, BOS and EOS included, are passed over.</summary>
    public int MinTokensPerText { get; init; }

    /// <summary>Pieces with fewer characters, as CoreNet counts them, are passed over.</summary>
    public int MinCharactersPerText { get; init; }

    /// <summary>Words of a document that make one piece.</summary>
    public int DocumentSplitSize { get; init; } = 2048;

    /// <summary>Shuffles the files before the first epoch; before later ones they are shuffled in any case.</summary>
    public bool Shuffle { get; init; }

    /// <summary>Seed of the order of files.</summary>
    public long Seed { get; init; }

    /// <summary>Shards that take turns, each with files of its own; 0 and 1 are the same.</summary>
    public int Workers { get; init; }

    /// <summary>Rows of a batch.</summary>
    public int BatchSize { get; init; } = 1;

    /// <summary>Composes texts (Unicode's NFC) before they are encoded.</summary>
    public bool NormalizeNfc { get; init; }

    /// <summary>Puts BOS before every piece.</summary>
    public bool AddBos { get; init; } = true;

    /// <summary>Puts EOS behind every piece.</summary>
    public bool AddEos { get; init; }

    /// <summary>Counts documents that cannot be read and goes on, instead of ending with the first one.</summary>
    public bool SkipBadDocuments { get; init; }
}
