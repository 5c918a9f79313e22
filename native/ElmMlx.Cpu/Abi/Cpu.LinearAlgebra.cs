using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_linalg_cholesky(mlx_array* res, mlx_array a, bool upper, mlx_stream s) =>
        Return(res, Ops.Cholesky(Handles.Node(a), upper));

    public static int mlx_linalg_cholesky_inv(mlx_array* res, mlx_array a, bool upper, mlx_stream s) =>
        Return(res, Ops.CholeskyInv(Handles.Node(a), upper));

    public static int mlx_linalg_cross(mlx_array* res, mlx_array a, mlx_array b, int axis, mlx_stream s) =>
        Return(res, Ops.Cross(Handles.Node(a), Handles.Node(b), axis));

    public static int mlx_linalg_eig(mlx_array* res_0, mlx_array* res_1, mlx_array a, mlx_stream s) =>
        Return(res_0, res_1, Ops.Eig(Handles.Node(a)));

    public static int mlx_linalg_eigh(mlx_array* res_0, mlx_array* res_1, mlx_array a, byte* UPLO, mlx_stream s) =>
        Return(res_0, res_1, Ops.Eigh(Handles.Node(a), Handles.Text(UPLO)));

    public static int mlx_linalg_eigvals(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Eigvals(Handles.Node(a)));

    public static int mlx_linalg_eigvalsh(mlx_array* res, mlx_array a, byte* UPLO, mlx_stream s) =>
        Return(res, Ops.Eigvalsh(Handles.Node(a), Handles.Text(UPLO)));

    public static int mlx_linalg_inv(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Inv(Handles.Node(a)));

    public static int mlx_linalg_lu(mlx_vector_array* res, mlx_array a, mlx_stream s)
    {
        Handles.Set(res, Ops.Lu(Handles.Node(a)));
        return 0;
    }

    public static int mlx_linalg_lu_factor(mlx_array* res_0, mlx_array* res_1, mlx_array a, mlx_stream s) =>
        Return(res_0, res_1, Ops.LuFactor(Handles.Node(a)));

    public static int mlx_linalg_norm(
        mlx_array* res, mlx_array a, double ord, int* axis, nuint axis_num, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Norm(Handles.Node(a), ord, AxesOrNull(axis, axis_num), keepdims));

    public static int mlx_linalg_norm_matrix(
        mlx_array* res, mlx_array a, byte* ord, int* axis, nuint axis_num, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Norm(Handles.Node(a), Handles.Text(ord), AxesOrNull(axis, axis_num), keepdims));

    public static int mlx_linalg_norm_l2(
        mlx_array* res, mlx_array a, int* axis, nuint axis_num, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Norm(Handles.Node(a), AxesOrNull(axis, axis_num), keepdims));

    public static int mlx_linalg_pinv(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Pinv(Handles.Node(a)));

    public static int mlx_linalg_qr(mlx_array* res_0, mlx_array* res_1, mlx_array a, mlx_stream s) =>
        Return(res_0, res_1, Ops.Qr(Handles.Node(a)));

    public static int mlx_linalg_solve(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Solve(Handles.Node(a), Handles.Node(b)));

    public static int mlx_linalg_solve_triangular(
        mlx_array* res, mlx_array a, mlx_array b, bool upper, mlx_stream s) =>
        Return(res, Ops.SolveTriangular(Handles.Node(a), Handles.Node(b), upper));

    public static int mlx_linalg_svd(mlx_vector_array* res, mlx_array a, bool compute_uv, mlx_stream s)
    {
        Handles.Set(res, Ops.Svd(Handles.Node(a), compute_uv));
        return 0;
    }

    public static int mlx_linalg_tri_inv(mlx_array* res, mlx_array a, bool upper, mlx_stream s) =>
        Return(res, Ops.TriInv(Handles.Node(a), upper));

    // Both are made before either handle is set: one of them may hold the input.
    private static int Return(mlx_array* first, mlx_array* second, (Node First, Node Second) nodes)
    {
        Handles.Set(first, nodes.First);
        return Return(second, nodes.Second);
    }

    private static int[]? AxesOrNull(int* axes, nuint count) => axes is null ? null : Handles.Ints(axes, count);
}
