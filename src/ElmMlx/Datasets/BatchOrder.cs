namespace ElmMlx.Datasets;

/// <summary>In which groups and order the rows of an epoch come.</summary>
public enum BatchOrder
{
    /// <summary>
    /// Shuffled anew each epoch, rows of like length together, batches in random order; every row comes once.
    /// </summary>
    LengthGrouped,

    /// <summary>
    /// Sorted by length, the same in every epoch: least padding, for evaluation. Every row comes once.
    /// </summary>
    Sorted,

    /// <summary>As the rows stand, the same in every epoch. Every row comes once.</summary>
    Sequential,

    /// <summary>
    /// mlx-lm's: sorted by length, groups in the order of NumPy's generator; the longest rows that do not fill
    /// a batch are never used.
    /// </summary>
    MlxLm,
}
