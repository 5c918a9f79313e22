using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_gather(
        mlx_array* res, mlx_array a, mlx_vector_array indices, int* axes, nuint axes_num, int* slice_sizes,
        nuint slice_sizes_num, mlx_stream s) =>
        Return(res, Ops.Gather(
            Handles.Node(a), Handles.Nodes(indices), Handles.Ints(axes, axes_num),
            Handles.Ints(slice_sizes, slice_sizes_num)));

    public static int mlx_gather_single(
        mlx_array* res, mlx_array a, mlx_array indices, int axis, int* slice_sizes, nuint slice_sizes_num,
        mlx_stream s) =>
        Return(res, Ops.Gather(
            Handles.Node(a), [Handles.Node(indices)], [axis], Handles.Ints(slice_sizes, slice_sizes_num)));

    public static int mlx_masked_scatter(
        mlx_array* res, mlx_array a, mlx_array mask, mlx_array src, mlx_stream s) =>
        Return(res, Ops.MaskedScatter(Handles.Node(a), Handles.Node(mask), Handles.Node(src)));

    public static int mlx_put_along_axis(
        mlx_array* res, mlx_array a, mlx_array indices, mlx_array values, int axis, mlx_stream s) =>
        Return(res, Ops.PutAlongAxis(Handles.Node(a), Handles.Node(indices), Handles.Node(values), axis));

    public static int mlx_scatter_add_axis(
        mlx_array* res, mlx_array a, mlx_array indices, mlx_array values, int axis, mlx_stream s) =>
        Return(res, Ops.PutAlongAxis(
            Handles.Node(a), Handles.Node(indices), Handles.Node(values), axis, ScatterMode.Sum));

    public static int mlx_scatter(
        mlx_array* res, mlx_array a, mlx_vector_array indices, mlx_array updates, int* axes, nuint axes_num,
        mlx_stream s) => Scattered(res, a, indices, updates, axes, axes_num, ScatterMode.Set);

    public static int mlx_scatter_single(
        mlx_array* res, mlx_array a, mlx_array indices, mlx_array updates, int axis, mlx_stream s) =>
        Scattered(res, a, indices, updates, axis, ScatterMode.Set);

    public static int mlx_scatter_add(
        mlx_array* res, mlx_array a, mlx_vector_array indices, mlx_array updates, int* axes, nuint axes_num,
        mlx_stream s) => Scattered(res, a, indices, updates, axes, axes_num, ScatterMode.Sum);

    public static int mlx_scatter_add_single(
        mlx_array* res, mlx_array a, mlx_array indices, mlx_array updates, int axis, mlx_stream s) =>
        Scattered(res, a, indices, updates, axis, ScatterMode.Sum);

    public static int mlx_scatter_max(
        mlx_array* res, mlx_array a, mlx_vector_array indices, mlx_array updates, int* axes, nuint axes_num,
        mlx_stream s) => Scattered(res, a, indices, updates, axes, axes_num, ScatterMode.Max);

    public static int mlx_scatter_max_single(
        mlx_array* res, mlx_array a, mlx_array indices, mlx_array updates, int axis, mlx_stream s) =>
        Scattered(res, a, indices, updates, axis, ScatterMode.Max);

    public static int mlx_scatter_min(
        mlx_array* res, mlx_array a, mlx_vector_array indices, mlx_array updates, int* axes, nuint axes_num,
        mlx_stream s) => Scattered(res, a, indices, updates, axes, axes_num, ScatterMode.Min);

    public static int mlx_scatter_min_single(
        mlx_array* res, mlx_array a, mlx_array indices, mlx_array updates, int axis, mlx_stream s) =>
        Scattered(res, a, indices, updates, axis, ScatterMode.Min);

    public static int mlx_scatter_prod(
        mlx_array* res, mlx_array a, mlx_vector_array indices, mlx_array updates, int* axes, nuint axes_num,
        mlx_stream s) => Scattered(res, a, indices, updates, axes, axes_num, ScatterMode.Prod);

    public static int mlx_scatter_prod_single(
        mlx_array* res, mlx_array a, mlx_array indices, mlx_array updates, int axis, mlx_stream s) =>
        Scattered(res, a, indices, updates, axis, ScatterMode.Prod);

    public static int mlx_slice(
        mlx_array* res, mlx_array a, int* start, nuint start_num, int* stop, nuint stop_num, int* strides,
        nuint strides_num, mlx_stream s) =>
        Return(res, Ops.Slice(
            Handles.Node(a), Handles.Ints(start, start_num), Handles.Ints(stop, stop_num),
            Handles.Ints(strides, strides_num)));

    public static int mlx_slice_dynamic(
        mlx_array* res, mlx_array a, mlx_array start, int* axes, nuint axes_num, int* slice_size,
        nuint slice_size_num, mlx_stream s) =>
        Return(res, Ops.SliceDynamic(
            Handles.Node(a), Handles.Node(start), Handles.Ints(axes, axes_num),
            Handles.Ints(slice_size, slice_size_num)));

    public static int mlx_slice_update(
        mlx_array* res, mlx_array src, mlx_array update, int* start, nuint start_num, int* stop, nuint stop_num,
        int* strides, nuint strides_num, mlx_stream s) =>
        Updated(res, src, update, start, start_num, stop, stop_num, strides, strides_num, ScatterMode.Set);

    public static int mlx_slice_update_add(
        mlx_array* res, mlx_array src, mlx_array update, int* start, nuint start_num, int* stop, nuint stop_num,
        int* strides, nuint strides_num, mlx_stream s) =>
        Updated(res, src, update, start, start_num, stop, stop_num, strides, strides_num, ScatterMode.Sum);

    public static int mlx_slice_update_max(
        mlx_array* res, mlx_array src, mlx_array update, int* start, nuint start_num, int* stop, nuint stop_num,
        int* strides, nuint strides_num, mlx_stream s) =>
        Updated(res, src, update, start, start_num, stop, stop_num, strides, strides_num, ScatterMode.Max);

    public static int mlx_slice_update_min(
        mlx_array* res, mlx_array src, mlx_array update, int* start, nuint start_num, int* stop, nuint stop_num,
        int* strides, nuint strides_num, mlx_stream s) =>
        Updated(res, src, update, start, start_num, stop, stop_num, strides, strides_num, ScatterMode.Min);

    public static int mlx_slice_update_prod(
        mlx_array* res, mlx_array src, mlx_array update, int* start, nuint start_num, int* stop, nuint stop_num,
        int* strides, nuint strides_num, mlx_stream s) =>
        Updated(res, src, update, start, start_num, stop, stop_num, strides, strides_num, ScatterMode.Prod);

    public static int mlx_slice_update_dynamic(
        mlx_array* res, mlx_array src, mlx_array update, mlx_array start, int* axes, nuint axes_num, mlx_stream s) =>
        Return(res, Ops.SliceUpdateDynamic(
            Handles.Node(src), Handles.Node(update), Handles.Node(start), Handles.Ints(axes, axes_num)));

    public static int mlx_take_axis(mlx_array* res, mlx_array a, mlx_array indices, int axis, mlx_stream s) =>
        Return(res, Ops.Take(Handles.Node(a), Handles.Node(indices), axis));

    public static int mlx_take(mlx_array* res, mlx_array a, mlx_array indices, mlx_stream s) =>
        Return(res, Ops.Take(Handles.Node(a), Handles.Node(indices)));

    public static int mlx_take_along_axis(mlx_array* res, mlx_array a, mlx_array indices, int axis, mlx_stream s) =>
        Return(res, Ops.TakeAlongAxis(Handles.Node(a), Handles.Node(indices), axis));

    private static int Scattered(
        mlx_array* res, mlx_array a, mlx_vector_array indices, mlx_array updates, int* axes, nuint axes_num,
        ScatterMode mode) =>
        Return(res, Ops.Scatter(
            Handles.Node(a), Handles.Nodes(indices), Handles.Node(updates), Handles.Ints(axes, axes_num), mode));

    private static int Scattered(
        mlx_array* res, mlx_array a, mlx_array indices, mlx_array updates, int axis, ScatterMode mode) =>
        Return(res, Ops.Scatter(
            Handles.Node(a), [Handles.Node(indices)], Handles.Node(updates), [axis], mode));

    private static int Updated(
        mlx_array* res, mlx_array src, mlx_array update, int* start, nuint start_num, int* stop, nuint stop_num,
        int* strides, nuint strides_num, ScatterMode mode) =>
        Return(res, Ops.SliceUpdate(
            Handles.Node(src), Handles.Node(update), Handles.Ints(start, start_num), Handles.Ints(stop, stop_num),
            Handles.Ints(strides, strides_num), mode));
}
