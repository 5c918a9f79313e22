using System.Numerics;

namespace ElmMlx.Lora;

/// <summary>
/// One module's low-rank adapter as files hold it, in float32: the weight becomes <c>W + scale · B · A</c>, and
/// with magnitudes <c>m / ‖W + scale · B · A‖ · (W + scale · B · A)</c>, the norm over each row.
/// </summary>
internal sealed record Adapter
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

    /// <summary>mlx-lm's A: [in, r], where an embedding's ids are what goes in.</summary>
    public float[] InputFactor => IsEmbedding ? RowFactor : Transpose(ColumnFactor, Rank, Columns);

    /// <summary>mlx-lm's B: [r, out].</summary>
    public float[] OutputFactor => IsEmbedding ? ColumnFactor : Transpose(RowFactor, Rows, Rank);

    /// <summary>Rows of <see cref="InputFactor"/>.</summary>
    public int Inputs => IsEmbedding ? Rows : Columns;

    /// <summary>Columns of <see cref="OutputFactor"/>.</summary>
    public int Outputs => IsEmbedding ? Columns : Rows;

    /// <summary>An adapter from mlx-lm's factors.</summary>
    /// <param name="module">CoreNet's path.</param>
    /// <param name="rank">r.</param>
    /// <param name="a">[in, r].</param>
    /// <param name="b">[r, out].</param>
    /// <param name="scale">Multiplies the product.</param>
    /// <param name="magnitudes">One a row of the weight, or null.</param>
    /// <param name="dropout">Probability of dropout in training.</param>
    public static Adapter FromFactors(
        string module, int rank, float[] a, float[] b, double scale, float[]? magnitudes, double dropout)
    {
        bool embedding = module == "token_embeddings";
        int inputs = a.Length / rank, outputs = b.Length / rank;
        return new Adapter
        {
            Module = module,
            Rank = rank,
            Rows = embedding ? inputs : outputs,
            Columns = embedding ? outputs : inputs,
            RowFactor = embedding ? a : Transpose(b, rank, outputs),
            ColumnFactor = embedding ? b : Transpose(a, inputs, rank),
            Scale = scale,
            Magnitudes = magnitudes,
            Dropout = dropout,
        };
    }

    /// <summary>Puts the adapter into a row of the weight.</summary>
    /// <param name="row">The row's elements.</param>
    /// <param name="index">Its number.</param>
    public void Merge(Span<float> row, int index)
    {
        var delta = new float[row.Length];
        int width = Vector<float>.Count;
        for (int k = 0; k < Rank; k++)
        {
            float factor = RowFactor[index * Rank + k];
            ReadOnlySpan<float> column = ColumnFactor.AsSpan(k * row.Length, row.Length);
            int i = 0;
            for (; i <= row.Length - width; i += width)
                (new Vector<float>(delta, i) + new Vector<float>(column[i..]) * factor).CopyTo(delta, i);
            for (; i < row.Length; i++)
                delta[i] += column[i] * factor;
        }
        float scale = (float)Scale;
        double squares = 0;
        for (int i = 0; i < row.Length; i++)
        {
            row[i] += scale * delta[i];
            squares += (double)row[i] * row[i];
        }
        if (Magnitudes is null || squares == 0)
            return;
        float gain = (float)(Magnitudes[index] / Math.Sqrt(squares));
        for (int i = 0; i < row.Length; i++)
            row[i] *= gain;
    }

    /// <summary>The same adapter with another scale: what differs goes into the row factor.</summary>
    public Adapter WithScale(double scale) => scale == Scale ? this : this with
    {
        RowFactor = [.. RowFactor.Select(value => (float)(value * (Scale / scale)))],
        Scale = scale,
    };

    /// <summary>The same adapter with a larger rank, filled up with zeros.</summary>
    public Adapter WithRank(int rank)
    {
        if (rank == Rank)
            return this;
        var rows = new float[Rows * rank];
        for (int row = 0; row < Rows; row++)
            RowFactor.AsSpan(row * Rank, Rank).CopyTo(rows.AsSpan(row * rank));
        var columns = new float[rank * Columns];
        ColumnFactor.CopyTo(columns, 0);
        return this with { Rank = rank, RowFactor = rows, ColumnFactor = columns };
    }

    /// <summary>[rows, columns] to [columns, rows].</summary>
    public static float[] Transpose(float[] matrix, int rows, int columns)
    {
        var result = new float[matrix.Length];
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
                result[column * rows + row] = matrix[row * columns + column];
        return result;
    }
}
