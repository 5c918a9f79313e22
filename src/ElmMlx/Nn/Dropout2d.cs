namespace ElmMlx.Nn;

/// <summary>
/// Dropout of whole channels of pictures, [B, H, W, C] or [H, W, C], as mlx.nn.Dropout2d
/// (Tompson et al. 2015, Efficient Object Localization Using Convolutional Networks).
/// </summary>
public sealed class Dropout2d : DropoutLayer
{
    /// <summary>A layer with the given probability.</summary>
    /// <param name="probability">Of a channel to become zero, from 0 to below 1.</param>
    public Dropout2d(double probability = 0.5)
        : base(probability)
    {
    }

    private protected override int[] MaskShape(int[] shape) => ChannelMask(shape, spatialAxes: 2);
}
