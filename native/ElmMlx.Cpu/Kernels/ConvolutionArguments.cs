using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// A convolution over three spatial axes; where there are fewer, the first ones have length 1. All arrays are
/// row-contiguous and of one dtype: x is [batch, spatial…, channels], w [outputs, spatial…, channels / groups], y
/// [batch, spatial…, outputs].
/// </summary>
internal unsafe struct ConvolutionArguments
{
    /// <summary>Spatial axes.</summary>
    public const int Axes = 3;

    public mlx_dtype Type;

    public void* X, W, Y;

    public int Batch, Channels, Outputs, Groups;

    /// <summary>Lengths of the spatial axes of x, w and y.</summary>
    public fixed int Input[Axes], Kernel[Axes], Output[Axes];

    public fixed int Stride[Axes], PaddingLow[Axes], KernelDilation[Axes], InputDilation[Axes];

    public bool IsFlipped;

    /// <summary>Channels that one output sees.</summary>
    public readonly int GroupChannels => Channels / Groups;

    public readonly int GroupOutputs => Outputs / Groups;

    /// <summary>Taps of the kernel.</summary>
    public readonly int Taps => Kernel[0] * Kernel[1] * Kernel[2];

    /// <summary>Elements of x that one output sees.</summary>
    public readonly int Depth => Taps * GroupChannels;

    /// <summary>Places of the kernel: rows of y.</summary>
    public readonly long Rows => (long)Batch * Output[0] * Output[1] * Output[2];

    /// <summary>Whether each place sees just its own element: x is then a matrix [rows, channels].</summary>
    public readonly bool IsPointwise
    {
        get
        {
            bool isPointwise = Taps == 1;
            for (int axis = 0; axis < Axes; axis++)
                isPointwise &= Stride[axis] == 1 && PaddingLow[axis] == 0 && Input[axis] == Output[axis];
            return isPointwise;
        }
    }
}
