using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_all_axes(
        mlx_array* res, mlx_array a, int* axes, nuint axes_num, bool keepdims, mlx_stream s) =>
        Return(res, Ops.All(Handles.Node(a), Handles.Ints(axes, axes_num), keepdims));

    public static int mlx_all_axis(mlx_array* res, mlx_array a, int axis, bool keepdims, mlx_stream s) =>
        Return(res, Ops.All(Handles.Node(a), [axis], keepdims));

    public static int mlx_all(mlx_array* res, mlx_array a, bool keepdims, mlx_stream s)
    {
        Node x = Handles.Node(a);
        return Return(res, Ops.All(x, Ops.AllAxes(x), keepdims));
    }

    public static int mlx_any_axes(
        mlx_array* res, mlx_array a, int* axes, nuint axes_num, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Any(Handles.Node(a), Handles.Ints(axes, axes_num), keepdims));

    public static int mlx_any_axis(mlx_array* res, mlx_array a, int axis, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Any(Handles.Node(a), [axis], keepdims));

    public static int mlx_any(mlx_array* res, mlx_array a, bool keepdims, mlx_stream s)
    {
        Node x = Handles.Node(a);
        return Return(res, Ops.Any(x, Ops.AllAxes(x), keepdims));
    }

    public static int mlx_sum_axes(
        mlx_array* res, mlx_array a, int* axes, nuint axes_num, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Sum(Handles.Node(a), Handles.Ints(axes, axes_num), keepdims));

    public static int mlx_sum_axis(mlx_array* res, mlx_array a, int axis, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Sum(Handles.Node(a), [axis], keepdims));

    public static int mlx_sum(mlx_array* res, mlx_array a, bool keepdims, mlx_stream s)
    {
        Node x = Handles.Node(a);
        return Return(res, Ops.Sum(x, Ops.AllAxes(x), keepdims));
    }

    public static int mlx_prod_axes(
        mlx_array* res, mlx_array a, int* axes, nuint axes_num, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Prod(Handles.Node(a), Handles.Ints(axes, axes_num), keepdims));

    public static int mlx_prod_axis(mlx_array* res, mlx_array a, int axis, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Prod(Handles.Node(a), [axis], keepdims));

    public static int mlx_prod(mlx_array* res, mlx_array a, bool keepdims, mlx_stream s)
    {
        Node x = Handles.Node(a);
        return Return(res, Ops.Prod(x, Ops.AllAxes(x), keepdims));
    }

    public static int mlx_max_axes(
        mlx_array* res, mlx_array a, int* axes, nuint axes_num, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Max(Handles.Node(a), Handles.Ints(axes, axes_num), keepdims));

    public static int mlx_max_axis(mlx_array* res, mlx_array a, int axis, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Max(Handles.Node(a), [axis], keepdims));

    public static int mlx_max(mlx_array* res, mlx_array a, bool keepdims, mlx_stream s)
    {
        Node x = Handles.Node(a);
        return Return(res, Ops.Max(x, Ops.AllAxes(x), keepdims));
    }

    public static int mlx_min_axes(
        mlx_array* res, mlx_array a, int* axes, nuint axes_num, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Min(Handles.Node(a), Handles.Ints(axes, axes_num), keepdims));

    public static int mlx_min_axis(mlx_array* res, mlx_array a, int axis, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Min(Handles.Node(a), [axis], keepdims));

    public static int mlx_min(mlx_array* res, mlx_array a, bool keepdims, mlx_stream s)
    {
        Node x = Handles.Node(a);
        return Return(res, Ops.Min(x, Ops.AllAxes(x), keepdims));
    }

    public static int mlx_mean_axes(
        mlx_array* res, mlx_array a, int* axes, nuint axes_num, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Mean(Handles.Node(a), Handles.Ints(axes, axes_num), keepdims));

    public static int mlx_mean_axis(mlx_array* res, mlx_array a, int axis, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Mean(Handles.Node(a), [axis], keepdims));

    public static int mlx_mean(mlx_array* res, mlx_array a, bool keepdims, mlx_stream s)
    {
        Node x = Handles.Node(a);
        return Return(res, Ops.Mean(x, Ops.AllAxes(x), keepdims));
    }

    public static int mlx_logsumexp_axes(
        mlx_array* res, mlx_array a, int* axes, nuint axes_num, bool keepdims, mlx_stream s) =>
        Return(res, Ops.LogSumExp(Handles.Node(a), Handles.Ints(axes, axes_num), keepdims));

    public static int mlx_logsumexp_axis(mlx_array* res, mlx_array a, int axis, bool keepdims, mlx_stream s) =>
        Return(res, Ops.LogSumExp(Handles.Node(a), [axis], keepdims));

    public static int mlx_logsumexp(mlx_array* res, mlx_array a, bool keepdims, mlx_stream s)
    {
        Node x = Handles.Node(a);
        return Return(res, Ops.LogSumExp(x, Ops.AllAxes(x), keepdims));
    }

    public static int mlx_var_axes(
        mlx_array* res, mlx_array a, int* axes, nuint axes_num, bool keepdims, int ddof, mlx_stream s) =>
        Return(res, Ops.Var(Handles.Node(a), Handles.Ints(axes, axes_num), keepdims, ddof));

    public static int mlx_var_axis(mlx_array* res, mlx_array a, int axis, bool keepdims, int ddof, mlx_stream s) =>
        Return(res, Ops.Var(Handles.Node(a), [axis], keepdims, ddof));

    public static int mlx_var(mlx_array* res, mlx_array a, bool keepdims, int ddof, mlx_stream s)
    {
        Node x = Handles.Node(a);
        return Return(res, Ops.Var(x, Ops.AllAxes(x), keepdims, ddof));
    }

    public static int mlx_std_axes(
        mlx_array* res, mlx_array a, int* axes, nuint axes_num, bool keepdims, int ddof, mlx_stream s) =>
        Return(res, Ops.Std(Handles.Node(a), Handles.Ints(axes, axes_num), keepdims, ddof));

    public static int mlx_std_axis(mlx_array* res, mlx_array a, int axis, bool keepdims, int ddof, mlx_stream s) =>
        Return(res, Ops.Std(Handles.Node(a), [axis], keepdims, ddof));

    public static int mlx_std(mlx_array* res, mlx_array a, bool keepdims, int ddof, mlx_stream s)
    {
        Node x = Handles.Node(a);
        return Return(res, Ops.Std(x, Ops.AllAxes(x), keepdims, ddof));
    }

    public static int mlx_median(mlx_array* res, mlx_array a, int* axes, nuint axes_num, bool keepdims, mlx_stream s) =>
        Return(res, Ops.Median(Handles.Node(a), Handles.Ints(axes, axes_num), keepdims));

    public static int mlx_argmax_axis(mlx_array* res, mlx_array a, int axis, bool keepdims, mlx_stream s) =>
        Return(res, Ops.ArgMax(Handles.Node(a), axis, keepdims));

    public static int mlx_argmax(mlx_array* res, mlx_array a, bool keepdims, mlx_stream s) =>
        Return(res, Ops.ArgMax(Handles.Node(a), keepdims));

    public static int mlx_argmin_axis(mlx_array* res, mlx_array a, int axis, bool keepdims, mlx_stream s) =>
        Return(res, Ops.ArgMin(Handles.Node(a), axis, keepdims));

    public static int mlx_argmin(mlx_array* res, mlx_array a, bool keepdims, mlx_stream s) =>
        Return(res, Ops.ArgMin(Handles.Node(a), keepdims));

    public static int mlx_trace(
        mlx_array* res, mlx_array a, int offset, int axis1, int axis2, mlx_dtype dtype, mlx_stream s) =>
        Return(res, Ops.Trace(Handles.Node(a), offset, axis1, axis2, dtype));
}
