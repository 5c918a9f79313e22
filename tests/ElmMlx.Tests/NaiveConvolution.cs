namespace ElmMlx.Tests;

/// <summary>A convolution of two spatial axes as its definition says, one product at a time.</summary>
internal sealed record NaiveConvolution(
    int[] Stride, int[] Low, int[] High, int[] KernelDilation, int[] InputDilation, int Groups, bool IsFlipped)
{
    /// <summary>The arguments of <c>mlx_conv_general</c>.</summary>
    public string Arguments => $$"""
        {"stride": [{{Text(Stride)}}], "padding_lo": [{{Text(Low)}}], "padding_hi": [{{Text(High)}}],
         "kernel_dilation": [{{Text(KernelDilation)}}], "input_dilation": [{{Text(InputDilation)}}],
         "groups": {{Groups}}, "flip": {{(IsFlipped ? "true" : "false")}}}
        """;

    /// <summary>Length of an axis of the result.</summary>
    public int OutputLength(int axis, int input, int kernel) => Way(axis, input, kernel) / Stride[axis] + 1;

    /// <summary>Whether the kernel's last place is at the end of the padded input.</summary>
    public bool ReachesEnd(int axis, int input, int kernel) => Way(axis, input, kernel) % Stride[axis] == 0;

    /// <summary>x [N, H, W, C] with w [O, h, w, C / groups].</summary>
    public double[] Run(double[] x, int[] xShape, double[] w, int[] wShape)
    {
        int rows = OutputLength(0, xShape[1], wShape[1]), columns = OutputLength(1, xShape[2], wShape[2]);
        int outputs = wShape[0], depth = wShape[3];
        var y = new double[xShape[0] * rows * columns * outputs];
        for (int at = 0; at < y.Length; at++)
        {
            int output = at % outputs, column = at / outputs % columns, row = at / outputs / columns % rows;
            int batch = at / outputs / columns / rows, group = output / (outputs / Groups);
            for (int tap = 0; tap < wShape[1] * wShape[2]; tap++)
            {
                int k0 = tap / wShape[2], k1 = tap % wShape[2];
                int i0 = Place(0, row, k0, wShape[1], xShape[1]), i1 = Place(1, column, k1, wShape[2], xShape[2]);
                for (int c = 0; i0 >= 0 && i1 >= 0 && c < depth; c++)
                {
                    y[at] += x[((batch * xShape[1] + i0) * xShape[2] + i1) * xShape[3] + group * depth + c]
                        * w[((output * wShape[1] + k0) * wShape[2] + k1) * depth + c];
                }
            }
        }

        return y;
    }

    private int Way(int axis, int input, int kernel) =>
        InputDilation[axis] * (input - 1) + Low[axis] + High[axis] - KernelDilation[axis] * (kernel - 1);

    private int Place(int axis, int output, int tap, int taps, int length)
    {
        int k = IsFlipped ? taps - 1 - tap : tap;
        int at = output * Stride[axis] + k * KernelDilation[axis] - Low[axis];
        if (at < 0 || at % InputDilation[axis] != 0)
            return -1;
        at /= InputDilation[axis];
        return at < length ? at : -1;
    }

    private static string Text(int[] values) => string.Join(", ", values);
}
