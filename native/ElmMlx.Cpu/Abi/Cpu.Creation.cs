using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_arange(
        mlx_array* res, double start, double stop, double step, mlx_dtype dtype, mlx_stream s) =>
        Return(res, Ops.Arange(start, stop, step, dtype));

    public static int mlx_diag(mlx_array* res, mlx_array a, int k, mlx_stream s) =>
        Return(res, Ops.Diag(Handles.Node(a), k));

    public static int mlx_eye(mlx_array* res, int n, int m, int k, mlx_dtype dtype, mlx_stream s) =>
        Return(res, Ops.Eye(n, m, k, dtype));

    public static int mlx_full(
        mlx_array* res, int* shape, nuint shape_num, mlx_array vals, mlx_dtype dtype, mlx_stream s) =>
        Return(res, Ops.Full(Handles.Ints(shape, shape_num), Handles.Node(vals), dtype));

    public static int mlx_full_like(mlx_array* res, mlx_array a, mlx_array vals, mlx_dtype dtype, mlx_stream s)
    {
        Node[] pair = Ops.BroadcastArrays([Handles.Node(a), Handles.Node(vals)]);
        return Return(res, Ops.Full(pair[1].Shape, pair[1], dtype));
    }

    public static int mlx_identity(mlx_array* res, int n, mlx_dtype dtype, mlx_stream s) =>
        Return(res, Ops.Eye(n, n, 0, dtype));

    public static int mlx_linspace(
        mlx_array* res, double start, double stop, int num, mlx_dtype dtype, mlx_stream s) =>
        Return(res, Ops.Linspace(start, stop, num, dtype));

    public static int mlx_number_of_elements(
        mlx_array* res, mlx_array a, int* axes, nuint axes_num, bool inverted, mlx_dtype dtype, mlx_stream s) =>
        Return(res, Ops.NumberOfElements(Handles.Node(a), Handles.Ints(axes, axes_num), inverted, dtype));

    public static int mlx_ones(mlx_array* res, int* shape, nuint shape_num, mlx_dtype dtype, mlx_stream s) =>
        Return(res, Ops.Ones(Handles.Ints(shape, shape_num), dtype));

    public static int mlx_ones_like(mlx_array* res, mlx_array a, mlx_stream s)
    {
        Node node = Handles.Node(a);
        return Return(res, Ops.Ones(node.Shape, node.Type));
    }

    public static int mlx_tri(mlx_array* res, int n, int m, int k, mlx_dtype type, mlx_stream s) =>
        Return(res, Ops.Tri(n, m, k, type));

    public static int mlx_tril(mlx_array* res, mlx_array x, int k, mlx_stream s) =>
        Return(res, Ops.Tril(Handles.Node(x), k));

    public static int mlx_triu(mlx_array* res, mlx_array x, int k, mlx_stream s) =>
        Return(res, Ops.Triu(Handles.Node(x), k));

    public static int mlx_zeros(mlx_array* res, int* shape, nuint shape_num, mlx_dtype dtype, mlx_stream s) =>
        Return(res, Ops.Zeros(Handles.Ints(shape, shape_num), dtype));

    public static int mlx_zeros_like(mlx_array* res, mlx_array a, mlx_stream s)
    {
        Node node = Handles.Node(a);
        return Return(res, Ops.Zeros(node.Shape, node.Type));
    }
}
