using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_as_strided(
        mlx_array* res, mlx_array a, int* shape, nuint shape_num, long* strides, nuint strides_num, nuint offset,
        mlx_stream s) =>
        Return(res, Ops.AsStrided(
            Handles.Node(a), Handles.Ints(shape, shape_num),
            new ReadOnlySpan<long>(strides, checked((int)strides_num)).ToArray(), checked((long)offset)));

    public static int mlx_astype(mlx_array* res, mlx_array a, mlx_dtype dtype, mlx_stream s) =>
        Return(res, Ops.AsType(Handles.Node(a), dtype));

    public static int mlx_atleast_1d(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.AtLeast(Handles.Node(a), 1));

    public static int mlx_atleast_2d(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.AtLeast(Handles.Node(a), 2));

    public static int mlx_atleast_3d(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.AtLeast(Handles.Node(a), 3));

    public static int mlx_broadcast_arrays(mlx_vector_array* res, mlx_vector_array inputs, mlx_stream s) =>
        Return(res, Ops.BroadcastArrays(Handles.Nodes(inputs)));

    public static int mlx_broadcast_to(mlx_array* res, mlx_array a, int* shape, nuint shape_num, mlx_stream s) =>
        Return(res, Ops.BroadcastTo(Handles.Node(a), Handles.Ints(shape, shape_num)));

    public static int mlx_concatenate_axis(mlx_array* res, mlx_vector_array arrays, int axis, mlx_stream s) =>
        Return(res, Ops.Concatenate(Handles.Nodes(arrays), axis));

    public static int mlx_concatenate(mlx_array* res, mlx_vector_array arrays, mlx_stream s) =>
        Return(res, Ops.Concatenate(Handles.Nodes(arrays)));

    public static int mlx_contiguous(mlx_array* res, mlx_array a, bool allow_col_major, mlx_stream s) =>
        Return(res, Ops.Contiguous(Handles.Node(a), allow_col_major));

    public static int mlx_copy(mlx_array* res, mlx_array a, mlx_stream s) => Return(res, Ops.Copy(Handles.Node(a)));

    public static int mlx_depends(mlx_vector_array* res, mlx_vector_array inputs, mlx_vector_array dependencies) =>
        Return(res, Ops.Depends(Handles.Nodes(inputs), Handles.Nodes(dependencies)));

    public static int mlx_diagonal(mlx_array* res, mlx_array a, int offset, int axis1, int axis2, mlx_stream s) =>
        Return(res, Ops.Diagonal(Handles.Node(a), offset, axis1, axis2));

    public static int mlx_expand_dims_axes(mlx_array* res, mlx_array a, int* axes, nuint axes_num, mlx_stream s) =>
        Return(res, Ops.ExpandDims(Handles.Node(a), Handles.Ints(axes, axes_num)));

    public static int mlx_expand_dims(mlx_array* res, mlx_array a, int axis, mlx_stream s) =>
        Return(res, Ops.ExpandDims(Handles.Node(a), axis));

    public static int mlx_flatten(mlx_array* res, mlx_array a, int start_axis, int end_axis, mlx_stream s) =>
        Return(res, Ops.Flatten(Handles.Node(a), start_axis, end_axis));

    public static int mlx_meshgrid(
        mlx_vector_array* res, mlx_vector_array arrays, bool sparse, byte* indexing, mlx_stream s) =>
        Return(res, Ops.MeshGrid(Handles.Nodes(arrays), sparse, Handles.Text(indexing)));

    public static int mlx_moveaxis(mlx_array* res, mlx_array a, int source, int destination, mlx_stream s) =>
        Return(res, Ops.MoveAxis(Handles.Node(a), source, destination));

    public static int mlx_pad(
        mlx_array* res, mlx_array a, int* axes, nuint axes_num, int* low_pad_size, nuint low_pad_size_num,
        int* high_pad_size, nuint high_pad_size_num, mlx_array pad_value, byte* mode, mlx_stream s) =>
        Return(res, Ops.Pad(
            Handles.Node(a), Handles.Ints(axes, axes_num), Handles.Ints(low_pad_size, low_pad_size_num),
            Handles.Ints(high_pad_size, high_pad_size_num), Handles.Node(pad_value), Handles.Text(mode)));

    public static int mlx_pad_symmetric(
        mlx_array* res, mlx_array a, int pad_width, mlx_array pad_value, byte* mode, mlx_stream s)
    {
        Node node = Handles.Node(a);
        int[] axes = [.. Enumerable.Range(0, node.Rank)], widths = [.. Enumerable.Repeat(pad_width, node.Rank)];
        return Return(res, Ops.Pad(node, axes, widths, widths, Handles.Node(pad_value), Handles.Text(mode)));
    }

    public static int mlx_repeat_axis(mlx_array* res, mlx_array arr, int repeats, int axis, mlx_stream s) =>
        Return(res, Ops.Repeat(Handles.Node(arr), repeats, axis));

    public static int mlx_repeat(mlx_array* res, mlx_array arr, int repeats, mlx_stream s) =>
        Return(res, Ops.Repeat(Ops.Flatten(Handles.Node(arr)), repeats, 0));

    public static int mlx_reshape(mlx_array* res, mlx_array a, int* shape, nuint shape_num, mlx_stream s) =>
        Return(res, Ops.Reshape(Handles.Node(a), Handles.Ints(shape, shape_num)));

    public static int mlx_roll_axis(
        mlx_array* res, mlx_array a, int* shift, nuint shift_num, int axis, mlx_stream s) =>
        Return(res, Ops.Roll(Handles.Node(a), [Handles.Ints(shift, shift_num).Sum()], [axis]));

    public static int mlx_roll_axes(
        mlx_array* res, mlx_array a, int* shift, nuint shift_num, int* axes, nuint axes_num, mlx_stream s) =>
        Return(res, Ops.Roll(Handles.Node(a), Handles.Ints(shift, shift_num), Handles.Ints(axes, axes_num)));

    public static int mlx_roll(mlx_array* res, mlx_array a, int* shift, nuint shift_num, mlx_stream s) =>
        Return(res, Ops.Roll(Handles.Node(a), Handles.Ints(shift, shift_num).Sum()));

    public static int mlx_split(mlx_vector_array* res, mlx_array a, int num_splits, int axis, mlx_stream s) =>
        Return(res, Ops.Split(Handles.Node(a), num_splits, axis));

    public static int mlx_split_sections(
        mlx_vector_array* res, mlx_array a, int* indices, nuint indices_num, int axis, mlx_stream s) =>
        Return(res, Ops.Split(Handles.Node(a), Handles.Ints(indices, indices_num), axis));

    public static int mlx_squeeze_axes(mlx_array* res, mlx_array a, int* axes, nuint axes_num, mlx_stream s) =>
        Return(res, Ops.Squeeze(Handles.Node(a), Handles.Ints(axes, axes_num)));

    public static int mlx_squeeze_axis(mlx_array* res, mlx_array a, int axis, mlx_stream s) =>
        Return(res, Ops.Squeeze(Handles.Node(a), axis));

    public static int mlx_squeeze(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.SqueezeAll(Handles.Node(a)));

    public static int mlx_stack_axis(mlx_array* res, mlx_vector_array arrays, int axis, mlx_stream s) =>
        Return(res, Ops.Stack(Handles.Nodes(arrays), axis));

    public static int mlx_stack(mlx_array* res, mlx_vector_array arrays, mlx_stream s) =>
        Return(res, Ops.Stack(Handles.Nodes(arrays), 0));

    public static int mlx_stop_gradient(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.StopGradient(Handles.Node(a)));

    public static int mlx_swapaxes(mlx_array* res, mlx_array a, int axis1, int axis2, mlx_stream s) =>
        Return(res, Ops.SwapAxes(Handles.Node(a), axis1, axis2));

    public static int mlx_tile(mlx_array* res, mlx_array arr, int* reps, nuint reps_num, mlx_stream s) =>
        Return(res, Ops.Tile(Handles.Node(arr), Handles.Ints(reps, reps_num)));

    public static int mlx_transpose_axes(mlx_array* res, mlx_array a, int* axes, nuint axes_num, mlx_stream s) =>
        Return(res, Ops.Transpose(Handles.Node(a), Handles.Ints(axes, axes_num)));

    public static int mlx_transpose(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Transpose(Handles.Node(a)));

    public static int mlx_unflatten(
        mlx_array* res, mlx_array a, int axis, int* shape, nuint shape_num, mlx_stream s) =>
        Return(res, Ops.Unflatten(Handles.Node(a), axis, Handles.Ints(shape, shape_num)));

    public static int mlx_view(mlx_array* res, mlx_array a, mlx_dtype dtype, mlx_stream s) =>
        Return(res, Ops.View(Handles.Node(a), dtype));
}
