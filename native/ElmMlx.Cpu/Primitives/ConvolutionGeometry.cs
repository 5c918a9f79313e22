namespace ElmMlx.Cpu;

/// <summary>How a kernel moves over its input: one number a spatial axis each, 1 to 3 of them.</summary>
/// <param name="Stride">Steps from one output to the next, in the widened input.</param>
/// <param name="PaddingLow">Zeros before the widened input; negative: elements left out.</param>
/// <param name="PaddingHigh">Zeros behind it.</param>
/// <param name="KernelDilation">Steps from one tap to the next.</param>
/// <param name="InputDilation">Steps from one element to the next in the widened input; zeros lie between them.</param>
/// <param name="Groups">Parts of the channels, each with outputs of its own.</param>
/// <param name="IsFlipped">Whether the last tap meets the first element.</param>
internal sealed record ConvolutionGeometry(
    int[] Stride, int[] PaddingLow, int[] PaddingHigh, int[] KernelDilation, int[] InputDilation, int Groups,
    bool IsFlipped)
{
    /// <summary>Spatial axes.</summary>
    public int Rank => Stride.Length;

    /// <summary>Length of a spatial axis once <paramref name="dilation"/> has put zeros between its elements.</summary>
    public static int Widened(int length, int dilation) => checked(1 + dilation * (length - 1));

    /// <summary>
    /// [N, spatial…, O] of x [N, spatial…, C] and w [O, spatial…, C / groups]; lengths may be 0 or negative.
    /// </summary>
    public int[] OutputShape(int[] x, int[] w)
    {
        int[] shape = [x[0], .. Stride, w[0]];
        for (int axis = 0; axis < Rank; axis++)
        {
            long free = (long)Widened(x[axis + 1], InputDilation[axis]) + PaddingLow[axis] + PaddingHigh[axis]
                - Widened(w[axis + 1], KernelDilation[axis]);
            shape[axis + 1] = free < 0 ? 0 : checked((int)(free / Stride[axis] + 1));
        }

        return shape;
    }

    /// <summary>
    /// The convolution of the cotangents, with the kernel's channels and outputs exchanged, that gives x's gradient.
    /// </summary>
    public ConvolutionGeometry OfInputGradient(int[] x, int[] w, int[] y)
    {
        int[] low = new int[Rank], high = new int[Rank];
        for (int axis = 0; axis < Rank; axis++)
        {
            int kernel = Widened(w[axis + 1], KernelDilation[axis]);
            int input = Widened(x[axis + 1], InputDilation[axis]), output = Widened(y[axis + 1], Stride[axis]);
            low[axis] = kernel - 1 - PaddingLow[axis];
            high[axis] = input - output + PaddingLow[axis];
        }

        return new(InputDilation, low, high, KernelDilation, Stride, Groups, !IsFlipped);
    }
}
