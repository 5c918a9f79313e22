using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_fast_rms_norm(mlx_array* res, mlx_array x, mlx_array weight, float eps, mlx_stream s) =>
        Return(res, Ops.RmsNorm(Handles.Node(x), Handles.NodeOrNull(weight), eps));

    public static int mlx_fast_layer_norm(
        mlx_array* res, mlx_array x, mlx_array weight, mlx_array bias, float eps, mlx_stream s) =>
        Return(res, Ops.LayerNorm(Handles.Node(x), Handles.NodeOrNull(weight), Handles.NodeOrNull(bias), eps));

    public static int mlx_fast_rope(
        mlx_array* res, mlx_array x, int dims, bool traditional, mlx_optional_float @base, float scale, int offset,
        mlx_array freqs, mlx_stream s) =>
        Return(res, Ops.Rope(
            Handles.Node(x), dims, traditional, @base.has_value ? @base.value : null, scale,
            Ops.Scalar(offset, mlx_dtype.MLX_INT32), Handles.NodeOrNull(freqs)));

    public static int mlx_fast_rope_dynamic(
        mlx_array* res, mlx_array x, int dims, bool traditional, mlx_optional_float @base, float scale,
        mlx_array offset,
        mlx_array freqs, mlx_stream s) =>
        Return(res, Ops.Rope(
            Handles.Node(x), dims, traditional, @base.has_value ? @base.value : null, scale, Handles.Node(offset),
            Handles.NodeOrNull(freqs)));

    public static int mlx_fast_scaled_dot_product_attention(
        mlx_array* res, mlx_array queries, mlx_array keys, mlx_array values, float scale, byte* mask_mode,
        mlx_array mask_arr, mlx_array sinks, mlx_stream s) =>
        Return(res, Ops.ScaledDotProductAttention(
            Handles.Node(queries), Handles.Node(keys), Handles.Node(values), scale, Handles.Text(mask_mode),
            Handles.NodeOrNull(mask_arr), Handles.NodeOrNull(sinks)));
}
