namespace ElmMlx.Checkpoints;

/// <summary>
/// One module's low-rank adapter, in float32: the weight becomes <c>W + scale · B · A</c>, and with magnitudes
/// <c>m / ‖W + scale · B · A‖ · (W + scale · B · A)</c>, the norm over each row.
/// </summary>
internal sealed class Adapter
{
    /// <summary>CoreNet's path of the module, for example <c>layers.0.attn.qkv_proj</c>.</summary>
    public required string Module { get; init; }

    /// <summary>r.</summary>
    public required int Rank { get; init; }

    /// <summary>Rows of the weight.</summary>
    public required int Rows { get; init; }

    /// <summary>Columns of the weight.</summary>
    public required int Columns { get; init; }

    /// <summary>Factor that goes with the columns, row-major [r, columns].</summary>
    public required float[] ColumnFactor { get; init; }

    /// <summary>Factor that goes with the rows, row-major [rows, r].</summary>
    public required float[] RowFactor { get; init; }

    /// <summary>Multiplies the product.</summary>
    public required double Scale { get; init; }

    /// <summary>DoRA's magnitudes, one a row; null for LoRA.</summary>
    public float[]? Magnitudes { get; init; }

    /// <summary>Probability of dropout in training, kept for the adapter's file.</summary>
    public double Dropout { get; init; }

    public bool IsEmbedding => Module == "token_embeddings";
}
