using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_cumsum(
        mlx_array* res, mlx_array a, int axis, bool reverse, bool inclusive, mlx_stream s) =>
        Return(res, Ops.CumSum(Handles.Node(a), axis, reverse, inclusive));

    public static int mlx_cumprod(
        mlx_array* res, mlx_array a, int axis, bool reverse, bool inclusive, mlx_stream s) =>
        Return(res, Ops.CumProd(Handles.Node(a), axis, reverse, inclusive));

    public static int mlx_cummax(
        mlx_array* res, mlx_array a, int axis, bool reverse, bool inclusive, mlx_stream s) =>
        Return(res, Ops.CumMax(Handles.Node(a), axis, reverse, inclusive));

    public static int mlx_cummin(
        mlx_array* res, mlx_array a, int axis, bool reverse, bool inclusive, mlx_stream s) =>
        Return(res, Ops.CumMin(Handles.Node(a), axis, reverse, inclusive));

    public static int mlx_logcumsumexp(
        mlx_array* res, mlx_array a, int axis, bool reverse, bool inclusive, mlx_stream s) =>
        Return(res, Ops.LogCumSumExp(Handles.Node(a), axis, reverse, inclusive));

    public static int mlx_sort_axis(mlx_array* res, mlx_array a, int axis, mlx_stream s) =>
        Return(res, Ops.Sort(Handles.Node(a), axis));

    public static int mlx_sort(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Sort(Ops.Flatten(Handles.Node(a)), 0));

    public static int mlx_argsort_axis(mlx_array* res, mlx_array a, int axis, mlx_stream s) =>
        Return(res, Ops.ArgSort(Handles.Node(a), axis));

    public static int mlx_argsort(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.ArgSort(Ops.Flatten(Handles.Node(a)), 0));

    public static int mlx_partition_axis(mlx_array* res, mlx_array a, int kth, int axis, mlx_stream s) =>
        Return(res, Ops.Partition(Handles.Node(a), kth, axis));

    public static int mlx_partition(mlx_array* res, mlx_array a, int kth, mlx_stream s) =>
        Return(res, Ops.Partition(Ops.Flatten(Handles.Node(a)), kth, 0));

    public static int mlx_argpartition_axis(mlx_array* res, mlx_array a, int kth, int axis, mlx_stream s) =>
        Return(res, Ops.ArgPartition(Handles.Node(a), kth, axis));

    public static int mlx_argpartition(mlx_array* res, mlx_array a, int kth, mlx_stream s) =>
        Return(res, Ops.ArgPartition(Ops.Flatten(Handles.Node(a)), kth, 0));

    public static int mlx_topk_axis(mlx_array* res, mlx_array a, int k, int axis, mlx_stream s) =>
        Return(res, Ops.TopK(Handles.Node(a), k, axis));

    public static int mlx_topk(mlx_array* res, mlx_array a, int k, mlx_stream s) =>
        Return(res, Ops.TopK(Ops.Flatten(Handles.Node(a)), k, 0));

    // Rows are always summed in float32: precise or not makes no difference.
    public static int mlx_softmax_axes(
        mlx_array* res, mlx_array a, int* axes, nuint axes_num, bool precise, mlx_stream s) =>
        Return(res, Ops.Softmax(Handles.Node(a), Handles.Ints(axes, axes_num)));

    public static int mlx_softmax_axis(mlx_array* res, mlx_array a, int axis, bool precise, mlx_stream s) =>
        Return(res, Ops.Softmax(Handles.Node(a), [axis]));

    public static int mlx_softmax(mlx_array* res, mlx_array a, bool precise, mlx_stream s)
    {
        Node x = Handles.Node(a);
        return Return(res, Ops.Softmax(x, Ops.AllAxes(x)));
    }
}
