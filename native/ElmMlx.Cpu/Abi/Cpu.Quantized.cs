using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_quantize(
        mlx_vector_array* res, mlx_array w, mlx_optional_int group_size, mlx_optional_int bits, byte* mode,
        mlx_array global_scale, mlx_stream s)
    {
        Handles.Set(res, Ops.Quantize(
            Handles.Node(w), OrNull(group_size), OrNull(bits), Mode(mode), Handles.NodeOrNull(global_scale)));
        return 0;
    }

    public static int mlx_dequantize(
        mlx_array* res, mlx_array w, mlx_array scales, mlx_array biases, mlx_optional_int group_size,
        mlx_optional_int bits, byte* mode, mlx_array global_scale, mlx_optional_dtype dtype, mlx_stream s) =>
        Return(res, Ops.Dequantize(
            Handles.Node(w), Handles.Node(scales), Handles.NodeOrNull(biases), OrNull(group_size), OrNull(bits),
            Mode(mode), Handles.NodeOrNull(global_scale), dtype.has_value ? dtype.value : null));

    public static int mlx_quantized_matmul(
        mlx_array* res, mlx_array x, mlx_array w, mlx_array scales, mlx_array biases, bool transpose,
        mlx_optional_int group_size, mlx_optional_int bits, byte* mode, mlx_stream s) =>
        Return(res, Ops.QuantizedMatmul(
            Handles.Node(x), Handles.Node(w), Handles.Node(scales), Handles.NodeOrNull(biases), transpose,
            OrNull(group_size), OrNull(bits), Mode(mode)));

    public static int mlx_gather_qmm(
        mlx_array* res, mlx_array x, mlx_array w, mlx_array scales, mlx_array biases, mlx_array lhs_indices,
        mlx_array rhs_indices, bool transpose, mlx_optional_int group_size, mlx_optional_int bits, byte* mode,
        bool sorted_indices, mlx_stream s) =>
        Return(res, Ops.GatherQMM(
            Handles.Node(x), Handles.Node(w), Handles.Node(scales), Handles.NodeOrNull(biases),
            Handles.NodeOrNull(lhs_indices), Handles.NodeOrNull(rhs_indices), transpose, OrNull(group_size),
            OrNull(bits), Mode(mode)));

    public static int mlx_qqmm(
        mlx_array* res, mlx_array x, mlx_array w, mlx_array w_scales, mlx_optional_int group_size,
        mlx_optional_int bits,
        byte* mode, mlx_array global_scale_x, mlx_array global_scale_w, mlx_stream s) =>
        Return(res, Ops.QuantizedProduct(
            Handles.Node(x), Handles.Node(w), Handles.NodeOrNull(w_scales), OrNull(group_size), OrNull(bits),
            Handles.Text(mode), Handles.NodeOrNull(global_scale_x), Handles.NodeOrNull(global_scale_w)));

    public static int mlx_to_fp8(mlx_array* res, mlx_array x, mlx_stream s) => Return(res, Ops.ToFP8(Handles.Node(x)));

    public static int mlx_from_fp8(mlx_array* res, mlx_array x, mlx_dtype dtype, mlx_stream s) =>
        Return(res, Ops.FromFP8(Handles.Node(x), dtype));

    // The usual mode without a new string a call.
    private static string Mode(byte* mode) =>
        mode is not null && MemoryMarshal.CreateReadOnlySpanFromNullTerminated(mode).SequenceEqual("affine"u8)
            ? "affine"
            : Handles.Text(mode);

    private static int? OrNull(mlx_optional_int value) => value.has_value ? value.value : null;
}
