namespace ElmMlx.Nn;

/// <summary>The mean of each window of a sequence, [B, L, C], as mlx.nn.AvgPool1d.</summary>
public sealed class AvgPool1d : PoolLayer
{
    /// <summary>A layer; it has no parameters.</summary>
    /// <param name="kernelSize">The window's size.</param>
    /// <param name="stride">Steps between two windows; its size unless told.</param>
    /// <param name="padding">How many 0 stand on both sides of an axis.</param>
    public AvgPool1d(int kernelSize, int? stride = null, int padding = 0)
        : base([kernelSize], [stride ?? kernelSize], [padding], 0)
    {
    }

    private protected override MlxArray Reduce(MlxArray windows, int[] axes) => windows.Mean(axes);
}
