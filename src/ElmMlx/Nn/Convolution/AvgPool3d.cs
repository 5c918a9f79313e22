namespace ElmMlx.Nn;

/// <summary>The mean of each window of volumes, [B, D, H, W, C], as mlx.nn.AvgPool3d.</summary>
public sealed class AvgPool3d : PoolLayer
{
    /// <summary>A layer; it has no parameters.</summary>
    /// <param name="kernelSize">The window's size.</param>
    /// <param name="stride">Steps between two windows; its size unless told.</param>
    /// <param name="padding">How many 0 stand on both sides of an axis.</param>
    public AvgPool3d(IntOrTriple kernelSize, IntOrTriple? stride = null, IntOrTriple padding = default)
        : base(kernelSize.ToArray(), (stride ?? kernelSize).ToArray(), padding.ToArray(), 0)
    {
    }

    private protected override MlxArray Reduce(MlxArray windows, int[] axes) => windows.Mean(axes);
}
