namespace ElmMlx.Datasets;

/// <summary>What becomes of a row that is longer than a sequence may be.</summary>
public enum LongRows
{
    /// <summary>What is too long is cut off, as mlx-lm does.</summary>
    Truncate,

    /// <summary>
    /// The row becomes several; the last token of a piece begins the next one, so every target is learnt once.
    /// </summary>
    Split,
}
