using System.Globalization;

namespace ElmMlx.Benchmarks;

/// <summary>
/// Copies of a random W [N, K], more than the caches hold together: a model reads each of its matrices from memory.
/// </summary>
internal sealed class RandomMatrix : IDisposable
{
    private const long LeastBytes = 256L << 20;
    private const int GroupSize = 64;

    private readonly int _bits;
    private readonly MlxArray[][] _copies;
    private int _next;

    /// <param name="format">A dtype, or <c>4-bit</c> for affine groups of 64 with bfloat16 scales.</param>
    /// <param name="n">Rows of W.</param>
    /// <param name="k">Columns of W.</param>
    public RandomMatrix(string format, int n, int k)
    {
        using ArrayScope scope = new();
        _bits = BitsOf(format);
        MlxArray w = MlxRandom.Normal([n, k], TypeOf(format), scale: 1 / MathF.Sqrt(k));
        MlxArray[] parts = [w];
        if (_bits > 0)
        {
            (MlxArray packed, MlxArray scales, MlxArray? biases) = Quantized.Quantize(w, GroupSize, _bits, "affine");
            parts = [packed, scales, biases!];
        }

        MlxArray.Eval(parts.AsSpan());
        _copies = new MlxArray[(int)Math.Ceiling(LeastBytes / ByteCount(format, n, k))][];
        for (int i = 0; i < _copies.Length; i++)
        {
            _copies[i] = [.. parts.Select(part => MlxArray.FromBytes(part.ToBytes(), part.DType, part.Shape))];
            scope.Keep(_copies[i]);
        }
    }

    /// <summary>dtype of x for a format.</summary>
    public static DType TypeOf(string format) => BitsOf(format) > 0 ? DType.BFloat16 : DTypes.Parse(format);

    /// <summary>Bytes of one W.</summary>
    public static double ByteCount(string format, int n, int k) => BitsOf(format) is > 0 and var bits
        ? (double)n * k * (bits / 8.0 + 2 * sizeof(ushort) / (double)GroupSize)
        : (double)n * k * DTypes.Parse(format).Size();

    /// <summary>x · Wᵀ with the next copy, evaluated: [M, K] → [M, N].</summary>
    public void Multiply(MlxArray x)
    {
        using ArrayScope scope = new();
        MlxArray[] w = _copies[_next++ % _copies.Length];
        MlxArray y = _bits > 0
            ? Quantized.MatMul(x, w[0], w[1], w[2], transpose: true, GroupSize, _bits)
            : x.MatMul(w[0].Transpose());
        y.Eval();
    }

    public void Dispose()
    {
        foreach (MlxArray part in _copies.SelectMany(copy => copy))
            part.Dispose();
    }

    private static int BitsOf(string format) => format.EndsWith("-bit", StringComparison.Ordinal)
        ? int.Parse(format[..^"-bit".Length], CultureInfo.InvariantCulture)
        : 0;
}
