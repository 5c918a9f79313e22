namespace ElmMlx.Nn;

/// <summary>
/// Attention with linear biases: each head takes its slope times the distance off a score, as mlx.nn.ALiBi
/// (Press et al. 2021, arXiv:2108.12409).
/// </summary>
public sealed class Alibi : Module
{
    /// <summary>The scores with the biases added.</summary>
    /// <param name="attentionScores">[B, H, L, S].</param>
    /// <param name="offset">The position of the first query.</param>
    /// <param name="mask">Added too; it broadcasts to the scores. None: nothing is.</param>
    public MlxArray Forward(MlxArray attentionScores, int offset = 0, MlxArray? mask = null)
    {
        ArgumentNullException.ThrowIfNull(attentionScores);
        MlxArray biases = CreateMatrix(
            attentionScores.Dim(-2) + offset, attentionScores.Dim(-1), attentionScores.Dim(1), offset,
            attentionScores.DType);
        return attentionScores + (mask is null ? biases : biases + mask);
    }

    /// <summary>The biases of queries at positions from offset to before L, and keys from 0 to before S.</summary>
    /// <param name="queryLength">L, offset included.</param>
    /// <param name="keyLength">S.</param>
    /// <param name="numHeads">H.</param>
    /// <param name="offset">The position of the first query.</param>
    /// <param name="dtype">The result's.</param>
    /// <returns>[1, H, L - offset, S].</returns>
    public static MlxArray CreateMatrix(
        int queryLength, int keyLength, int numHeads, int offset = 0, DType dtype = DType.Float32)
    {
        MlxArray queries = MlxArray.Arange(offset, queryLength).ExpandDims(1);                     // [L, 1]
        MlxArray distances = -(queries - MlxArray.Arange(keyLength)).Abs();                        // [L, S]
        double[] slopes = Slopes(numHeads);
        MlxArray slope = MlxArray.From<float>([.. slopes.Select(each => (float)each)], numHeads, 1, 1).AsType(dtype);
        return (distances.ExpandDims(0, 1) * slope).AsType(dtype);
    }

    // 2^(-8/n), 2^(-16/n), … for n a power of two; else those of the next lower one, then every second of the next
    // higher one.
    private static double[] Slopes(int n)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        if (int.IsPow2(n))
            return [.. Enumerable.Range(1, n).Select(i => Math.Pow(2, -8.0 * i / n))];
        int lower = 1 << int.Log2(n);
        return [.. Slopes(lower), .. Slopes(2 * lower).Where((_, i) => i % 2 == 0).Take(n - lower)];
    }
}
