using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_matmul(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.MatMul(Handles.Node(a), Handles.Node(b)));

    public static int mlx_addmm(
        mlx_array* res, mlx_array c, mlx_array a, mlx_array b, float alpha, float beta, mlx_stream s) =>
        Return(res, Ops.AddMM(Handles.Node(c), Handles.Node(a), Handles.Node(b), alpha, beta));

    public static int mlx_block_masked_mm(
        mlx_array* res, mlx_array a, mlx_array b, int block_size, mlx_array mask_out, mlx_array mask_lhs,
        mlx_array mask_rhs, mlx_stream s) =>
        Return(res, Ops.BlockMaskedMM(
            Handles.Node(a), Handles.Node(b), block_size, Handles.NodeOrNull(mask_out), Handles.NodeOrNull(mask_lhs),
            Handles.NodeOrNull(mask_rhs)));

    public static int mlx_gather_mm(
        mlx_array* res, mlx_array a, mlx_array b, mlx_array lhs_indices, mlx_array rhs_indices, bool sorted_indices,
        mlx_stream s) =>
        Return(res, Ops.GatherMM(
            Handles.Node(a), Handles.Node(b), Handles.NodeOrNull(lhs_indices), Handles.NodeOrNull(rhs_indices)));

    public static int mlx_segmented_mm(mlx_array* res, mlx_array a, mlx_array b, mlx_array segments, mlx_stream s) =>
        Return(res, Ops.SegmentedMM(Handles.Node(a), Handles.Node(b), Handles.Node(segments)));
}
