using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_outer(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Outer(Handles.Node(a), Handles.Node(b)));

    public static int mlx_inner(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Inner(Handles.Node(a), Handles.Node(b)));

    public static int mlx_kron(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Kron(Handles.Node(a), Handles.Node(b)));

    public static int mlx_tensordot_axis(mlx_array* res, mlx_array a, mlx_array b, int axis, mlx_stream s) =>
        Return(res, Ops.TensorDot(Handles.Node(a), Handles.Node(b), axis));

    public static int mlx_tensordot(
        mlx_array* res, mlx_array a, mlx_array b, int* axes_a, nuint axes_a_num, int* axes_b, nuint axes_b_num,
        mlx_stream s) => Return(res, Ops.TensorDot(
            Handles.Node(a), Handles.Node(b), Handles.Ints(axes_a, axes_a_num), Handles.Ints(axes_b, axes_b_num)));

    public static int mlx_einsum(mlx_array* res, byte* subscripts, mlx_vector_array operands, mlx_stream s) =>
        Return(res, Ops.Einsum(Handles.Text(subscripts), Handles.Nodes(operands)));

    public static int mlx_bartlett(mlx_array* res, int M, mlx_stream s) => Return(res, Ops.Bartlett(M));

    public static int mlx_hanning(mlx_array* res, int M, mlx_stream s) => Return(res, Ops.Hanning(M));

    public static int mlx_hamming(mlx_array* res, int M, mlx_stream s) => Return(res, Ops.Hamming(M));

    public static int mlx_hadamard_transform(mlx_array* res, mlx_array a, mlx_optional_float scale, mlx_stream s) =>
        Return(res, Ops.HadamardTransform(Handles.Node(a), scale.has_value ? scale.value : null));

    public static int mlx_blackman(mlx_array* res, int M, mlx_stream s) => Return(res, Ops.Blackman(M));
}
