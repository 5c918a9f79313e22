namespace ElmMlx.Nn;

/// <summary>The largest of each window of pictures, [B, H, W, C], as mlx.nn.MaxPool2d.</summary>
public sealed class MaxPool2d : PoolLayer
{
    /// <summary>A layer; it has no parameters.</summary>
    /// <param name="kernelSize">The window's size.</param>
    /// <param name="stride">Steps between two windows; its size unless told.</param>
    /// <param name="padding">How many -∞ stand on both sides of an axis.</param>
    public MaxPool2d(IntOrPair kernelSize, IntOrPair? stride = null, IntOrPair padding = default)
        : base(kernelSize.ToArray(), (stride ?? kernelSize).ToArray(), padding.ToArray(), double.NegativeInfinity)
    {
    }

    private protected override MlxArray Reduce(MlxArray windows, int[] axes) => windows.Max(axes);
}
