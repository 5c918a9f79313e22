namespace ElmMlx.Nn;

/// <summary>Dropout of whole channels of volumes, [B, D, H, W, C] or [D, H, W, C], as mlx.nn.Dropout3d.</summary>
public sealed class Dropout3d : DropoutLayer
{
    /// <summary>A layer with the given probability.</summary>
    /// <param name="probability">Of a channel to become zero, from 0 to below 1.</param>
    public Dropout3d(double probability = 0.5)
        : base(probability)
    {
    }

    private protected override int[] MaskShape(int[] shape) => ChannelMask(shape, spatialAxes: 3);
}
