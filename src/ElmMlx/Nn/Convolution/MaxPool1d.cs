namespace ElmMlx.Nn;

/// <summary>The largest of each window of a sequence, [B, L, C], as mlx.nn.MaxPool1d.</summary>
public sealed class MaxPool1d : PoolLayer
{
    /// <summary>A layer; it has no parameters.</summary>
    /// <param name="kernelSize">The window's size.</param>
    /// <param name="stride">Steps between two windows; its size unless told.</param>
    /// <param name="padding">How many -∞ stand on both sides of an axis.</param>
    public MaxPool1d(int kernelSize, int? stride = null, int padding = 0)
        : base([kernelSize], [stride ?? kernelSize], [padding], double.NegativeInfinity)
    {
    }

    private protected override MlxArray Reduce(MlxArray windows, int[] axes) => windows.Max(axes);
}
