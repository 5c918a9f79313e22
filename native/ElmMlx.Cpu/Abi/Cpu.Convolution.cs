using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_conv1d(
        mlx_array* res, mlx_array input, mlx_array weight, int stride, int padding, int dilation, int groups,
        mlx_stream s) => Convolve(res, input, weight, [stride], [padding], [dilation], groups);

    public static int mlx_conv2d(
        mlx_array* res, mlx_array input, mlx_array weight, int stride_0, int stride_1, int padding_0, int padding_1,
        int dilation_0, int dilation_1, int groups, mlx_stream s) =>
        Convolve(res, input, weight, [stride_0, stride_1], [padding_0, padding_1], [dilation_0, dilation_1], groups);

    public static int mlx_conv3d(
        mlx_array* res, mlx_array input, mlx_array weight, int stride_0, int stride_1, int stride_2, int padding_0,
        int padding_1, int padding_2, int dilation_0, int dilation_1, int dilation_2, int groups, mlx_stream s) =>
        Convolve(
            res, input, weight, [stride_0, stride_1, stride_2], [padding_0, padding_1, padding_2],
            [dilation_0, dilation_1, dilation_2], groups);

    public static int mlx_conv_general(
        mlx_array* res, mlx_array input, mlx_array weight, int* stride, nuint stride_num, int* padding_lo,
        nuint padding_lo_num, int* padding_hi, nuint padding_hi_num, int* kernel_dilation, nuint kernel_dilation_num,
        int* input_dilation, nuint input_dilation_num, int groups, bool flip, mlx_stream s) =>
        Return(res, Ops.Convolution(Handles.Node(input), Handles.Node(weight), new(
            Handles.Ints(stride, stride_num), Handles.Ints(padding_lo, padding_lo_num),
            Handles.Ints(padding_hi, padding_hi_num), Handles.Ints(kernel_dilation, kernel_dilation_num),
            Handles.Ints(input_dilation, input_dilation_num), groups, flip)));

    public static int mlx_conv_transpose1d(
        mlx_array* res, mlx_array input, mlx_array weight, int stride, int padding, int dilation, int output_padding,
        int groups, mlx_stream s) =>
        Return(res, Ops.ConvolutionTransposed(
            Handles.Node(input), Handles.Node(weight), [stride], [padding], [dilation], [output_padding], groups));

    public static int mlx_conv_transpose2d(
        mlx_array* res, mlx_array input, mlx_array weight, int stride_0, int stride_1, int padding_0, int padding_1,
        int dilation_0, int dilation_1, int output_padding_0, int output_padding_1, int groups, mlx_stream s) =>
        Return(res, Ops.ConvolutionTransposed(
            Handles.Node(input), Handles.Node(weight), [stride_0, stride_1], [padding_0, padding_1],
            [dilation_0, dilation_1], [output_padding_0, output_padding_1], groups));

    public static int mlx_conv_transpose3d(
        mlx_array* res, mlx_array input, mlx_array weight, int stride_0, int stride_1, int stride_2, int padding_0,
        int padding_1, int padding_2, int dilation_0, int dilation_1, int dilation_2, int output_padding_0,
        int output_padding_1, int output_padding_2, int groups, mlx_stream s) =>
        Return(res, Ops.ConvolutionTransposed(
            Handles.Node(input), Handles.Node(weight), [stride_0, stride_1, stride_2],
            [padding_0, padding_1, padding_2], [dilation_0, dilation_1, dilation_2],
            [output_padding_0, output_padding_1, output_padding_2], groups));

    private static int Convolve(
        mlx_array* res, mlx_array input, mlx_array weight, int[] stride, int[] padding, int[] dilation, int groups)
    {
        Node x = Handles.Node(input), w = Handles.Node(weight);
        if (x.Rank != stride.Length + 2)
            throw new ArgumentException($"[conv] The input [N, …, C] has {stride.Length} spatial axes, not {x}.");
        int[] ones = [.. stride.Select(_ => 1)];
        return Return(
            res, Ops.Convolution(x, w, new(stride, padding, padding, dilation, ones, groups, IsFlipped: false)));
    }
}
