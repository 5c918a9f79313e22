using ElmMlx.Bindings;

namespace ElmMlx;

// The same elements in another order or shape.
public sealed unsafe partial class MlxArray
{
    private static readonly int[] Ones8 = [1, 1, 1, 1, 1, 1, 1, 1];

    /// <summary>Another shape for the same elements; one size may be -1 and is worked out.</summary>
    public MlxArray Reshape(params ReadOnlySpan<int> shape)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return Moved(Checked.mlx_reshape(Handle, sizes, (nuint)shape.Length, stream));
    }

    /// <summary>All axes in reverse order.</summary>
    public MlxArray Transpose() => Moved(Checked.mlx_transpose(Handle, Stream));

    /// <summary>The axes in the given order.</summary>
    public MlxArray Transpose(params ReadOnlySpan<int> axes)
    {
        mlx_stream stream = Stream;
        fixed (int* list = axes)
            return Moved(Checked.mlx_transpose_axes(Handle, list, (nuint)axes.Length, stream));
    }

    /// <summary>Two axes exchanged.</summary>
    public MlxArray SwapAxes(int axis1, int axis2) => Moved(Checked.mlx_swapaxes(Handle, axis1, axis2, Stream));

    /// <summary>One axis moved to another place.</summary>
    public MlxArray MoveAxis(int source, int destination) =>
        Moved(Checked.mlx_moveaxis(Handle, source, destination, Stream));

    /// <summary>A new axis of size 1 at one place of the result.</summary>
    public MlxArray ExpandDims(int axis) => Moved(Checked.mlx_expand_dims(Handle, axis, Stream));

    /// <summary>A new axis of size 1 at each of the given places of the result.</summary>
    public MlxArray ExpandDims(params ReadOnlySpan<int> axes)
    {
        mlx_stream stream = Stream;
        fixed (int* list = axes)
            return Moved(Checked.mlx_expand_dims_axes(Handle, list, (nuint)axes.Length, stream));
    }

    /// <summary>Without all axes of size 1.</summary>
    public MlxArray Squeeze() => Moved(Checked.mlx_squeeze(Handle, Stream));

    /// <summary>Without one axis, which has size 1.</summary>
    public MlxArray Squeeze(int axis) => Moved(Checked.mlx_squeeze_axis(Handle, axis, Stream));

    /// <summary>Without the given axes, which have size 1.</summary>
    public MlxArray Squeeze(params ReadOnlySpan<int> axes)
    {
        mlx_stream stream = Stream;
        fixed (int* list = axes)
            return Moved(Checked.mlx_squeeze_axes(Handle, list, (nuint)axes.Length, stream));
    }

    /// <summary>Repeated along axes of size 1, and new ones in front, to the given shape.</summary>
    public MlxArray BroadcastTo(params ReadOnlySpan<int> shape)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return Moved(Checked.mlx_broadcast_to(Handle, sizes, (nuint)shape.Length, stream));
    }

    /// <summary>Arrays broadcast to one shape.</summary>
    public static MlxArray[] BroadcastArrays(params ReadOnlySpan<MlxArray> arrays)
    {
        using ArrayVector vector = new(arrays);
        return ArrayVector.Take(Checked.mlx_broadcast_arrays(vector.Handle, Stream));
    }

    /// <summary>The axes from start to end, both included, as one.</summary>
    public MlxArray Flatten(int startAxis = 0, int endAxis = -1) =>
        Moved(Checked.mlx_flatten(Handle, startAxis, endAxis, Stream));

    /// <summary>One axis as several; one size may be -1.</summary>
    public MlxArray Unflatten(int axis, params ReadOnlySpan<int> shape)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return Moved(Checked.mlx_unflatten(Handle, axis, sizes, (nuint)shape.Length, stream));
    }

    /// <summary>At least one axis.</summary>
    public MlxArray AtLeast1D() => Unary(&Checked.mlx_atleast_1d, this);

    /// <summary>At least two axes.</summary>
    public MlxArray AtLeast2D() => Unary(&Checked.mlx_atleast_2d, this);

    /// <summary>At least three axes.</summary>
    public MlxArray AtLeast3D() => Unary(&Checked.mlx_atleast_3d, this);

    /// <summary>
    /// From start up to, not including, stop in every axis, every strides-th (every one unless told).
    /// </summary>
    /// <param name="start">One number an axis.</param>
    /// <param name="stop">One number an axis.</param>
    /// <param name="strides">One number an axis; negative ones go backwards.</param>
    public MlxArray Slice(ReadOnlySpan<int> start, ReadOnlySpan<int> stop, ReadOnlySpan<int> strides = default)
    {
        mlx_stream stream = Stream;
        ReadOnlySpan<int> steps = strides.IsEmpty ? EveryOne(start.Length) : strides;
        fixed (int* a = start)
        fixed (int* b = stop)
        fixed (int* c = steps)
            return Moved(Checked.mlx_slice(
                Handle, a, (nuint)start.Length, b, (nuint)stop.Length, c, (nuint)steps.Length, stream));
    }

    /// <summary>
    /// A slice of fixed size whose start is an array, one number for each of <paramref name="axes"/>.
    /// </summary>
    public MlxArray SliceDynamic(MlxArray start, ReadOnlySpan<int> axes, ReadOnlySpan<int> size)
    {
        mlx_stream stream = Stream;
        fixed (int* a = axes)
        fixed (int* b = size)
            return New(Checked.mlx_slice_dynamic(
                Handle, start.Handle, a, (nuint)axes.Length, b, (nuint)size.Length, stream), this, start);
    }

    /// <summary>A copy in which <paramref name="update"/> (broadcast) stands in a slice.</summary>
    /// <param name="update">What to write; it is cast to this array's dtype.</param>
    /// <param name="start">One number an axis.</param>
    /// <param name="stop">One number an axis, not included.</param>
    /// <param name="strides">One number an axis; every element unless told.</param>
    public MlxArray SliceUpdate(
        MlxArray update, ReadOnlySpan<int> start, ReadOnlySpan<int> stop, ReadOnlySpan<int> strides = default) =>
        UpdateSlice(&Checked.mlx_slice_update, update, start, stop, strides);

    /// <summary>A copy in which <paramref name="update"/> is added to a slice.</summary>
    public MlxArray SliceUpdateAdd(
        MlxArray update, ReadOnlySpan<int> start, ReadOnlySpan<int> stop, ReadOnlySpan<int> strides = default) =>
        UpdateSlice(&Checked.mlx_slice_update_add, update, start, stop, strides);

    /// <summary>A copy in which a slice is multiplied by <paramref name="update"/>.</summary>
    public MlxArray SliceUpdateProd(
        MlxArray update, ReadOnlySpan<int> start, ReadOnlySpan<int> stop, ReadOnlySpan<int> strides = default) =>
        UpdateSlice(&Checked.mlx_slice_update_prod, update, start, stop, strides);

    /// <summary>A copy in which a slice holds the larger of itself and <paramref name="update"/>.</summary>
    public MlxArray SliceUpdateMax(
        MlxArray update, ReadOnlySpan<int> start, ReadOnlySpan<int> stop, ReadOnlySpan<int> strides = default) =>
        UpdateSlice(&Checked.mlx_slice_update_max, update, start, stop, strides);

    /// <summary>A copy in which a slice holds the smaller of itself and <paramref name="update"/>.</summary>
    public MlxArray SliceUpdateMin(
        MlxArray update, ReadOnlySpan<int> start, ReadOnlySpan<int> stop, ReadOnlySpan<int> strides = default) =>
        UpdateSlice(&Checked.mlx_slice_update_min, update, start, stop, strides);

    /// <summary>
    /// A copy in which <paramref name="update"/> stands where an array says, one number for each axis.
    /// </summary>
    public MlxArray SliceUpdateDynamic(MlxArray update, MlxArray start, ReadOnlySpan<int> axes)
    {
        mlx_stream stream = Stream;
        fixed (int* a = axes)
            return New(Checked.mlx_slice_update_dynamic(
                Handle, update.Handle, start.Handle, a, (nuint)axes.Length, stream), this, update, start);
    }

    /// <summary>Arrays one after the other along an axis.</summary>
    public static MlxArray Concatenate(ReadOnlySpan<MlxArray> arrays, int axis = 0)
    {
        using ArrayVector vector = new(arrays);
        return Adopt(Checked.mlx_concatenate_axis(vector.Handle, axis, Stream));
    }

    /// <summary>Arrays one after the other along an axis.</summary>
    public static MlxArray Concatenate(IEnumerable<MlxArray> arrays, int axis = 0) =>
        Concatenate(arrays.ToArray().AsSpan(), axis);

    /// <summary>Arrays of one shape side by side along a new axis.</summary>
    public static MlxArray Stack(ReadOnlySpan<MlxArray> arrays, int axis = 0)
    {
        using ArrayVector vector = new(arrays);
        return Adopt(Checked.mlx_stack_axis(vector.Handle, axis, Stream));
    }

    /// <summary>Arrays of one shape side by side along a new axis.</summary>
    public static MlxArray Stack(IEnumerable<MlxArray> arrays, int axis = 0) =>
        Stack(arrays.ToArray().AsSpan(), axis);

    /// <summary>Equal parts along an axis.</summary>
    public MlxArray[] Split(int parts, int axis = 0)
    {
        MlxArray[] split = ArrayVector.Take(Checked.mlx_split(Handle, parts, axis, Stream));
        GC.KeepAlive(this);
        return split;
    }

    /// <summary>Parts along an axis, cut before each of <paramref name="indices"/>.</summary>
    public MlxArray[] Split(ReadOnlySpan<int> indices, int axis = 0)
    {
        mlx_stream stream = Stream;
        fixed (int* list = indices)
        {
            MlxArray[] split = ArrayVector.Take(
                Checked.mlx_split_sections(Handle, list, (nuint)indices.Length, axis, stream));
            GC.KeepAlive(this);
            return split;
        }
    }

    /// <summary>Two equal parts along an axis.</summary>
    internal (MlxArray First, MlxArray Second) Halves(int axis)
    {
        mlx_vector_array parts = Checked.mlx_split(Handle, 2, axis, Stream);
        GC.KeepAlive(this);
        (MlxArray first, MlxArray second, _) = ArrayVector.TakeThree(parts);
        return (first, second);
    }

    /// <summary>Three parts along an axis, cut before two places.</summary>
    internal (MlxArray First, MlxArray Second, MlxArray Third) Thirds(int second, int third, int axis)
    {
        int* places = stackalloc int[] { second, third };
        mlx_vector_array parts = Checked.mlx_split_sections(Handle, places, 2, axis, Stream);
        GC.KeepAlive(this);
        (MlxArray a, MlxArray b, MlxArray? c) = ArrayVector.TakeThree(parts);
        return (a, b, c!);
    }

    /// <summary>Each element <paramref name="count"/> times in a row along an axis.</summary>
    public MlxArray Repeat(int count, int axis) => Moved(Checked.mlx_repeat_axis(Handle, count, axis, Stream));

    /// <summary>Each element of the flattened array <paramref name="count"/> times in a row.</summary>
    public MlxArray Repeat(int count) => Moved(Checked.mlx_repeat(Handle, count, Stream));

    /// <summary>The array as a tile, so many times along each axis.</summary>
    public MlxArray Tile(params ReadOnlySpan<int> counts)
    {
        mlx_stream stream = Stream;
        fixed (int* list = counts)
            return Moved(Checked.mlx_tile(Handle, list, (nuint)counts.Length, stream));
    }

    /// <summary>A value before and after the elements along axes.</summary>
    /// <param name="axes">The axes to pad.</param>
    /// <param name="low">How many before, for each of them.</param>
    /// <param name="high">How many after, for each of them.</param>
    /// <param name="value">The value, cast to this array's dtype.</param>
    public MlxArray Pad(ReadOnlySpan<int> axes, ReadOnlySpan<int> low, ReadOnlySpan<int> high, double value = 0)
    {
        if (low.Length != axes.Length || high.Length != axes.Length)
            throw Refused("pad", $"{axes.Length} axes have {low.Length} sizes before and {high.Length} after");
        // All axes in order: MLX's gradient takes the place of an axis in the list for the axis.
        (int[] all, int[] before, int[] after) = ([.. Enumerable.Range(0, Rank)], new int[Rank], new int[Rank]);
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = CheckAxis("pad", axes[i]);
            before[axis] += low[i];
            after[axis] += high[i];
        }
        mlx_stream stream = Stream;
        MlxArray filling = Scalar(value, DType);
        nuint rank = (nuint)all.Length;
        fixed (int* a = all)
        fixed (int* b = before)
        fixed (int* c = after)
        fixed (byte* mode = "constant\0"u8)
            return New(
                Checked.mlx_pad(Handle, a, rank, b, rank, c, rank, filling.Handle, mode, stream), this, filling);
    }

    /// <summary>A value before and after the elements along every axis.</summary>
    public MlxArray Pad(int width, double value = 0)
    {
        mlx_stream stream = Stream;
        MlxArray filling = Scalar(value, DType);
        fixed (byte* mode = "constant\0"u8)
            return New(Checked.mlx_pad_symmetric(Handle, width, filling.Handle, mode, stream), this, filling);
    }

    /// <summary>Elements moved along axes; those that leave at one end come in at the other.</summary>
    public MlxArray Roll(ReadOnlySpan<int> shift, ReadOnlySpan<int> axes)
    {
        mlx_stream stream = Stream;
        fixed (int* a = shift)
        fixed (int* b = axes)
            return Moved(Checked.mlx_roll_axes(Handle, a, (nuint)shift.Length, b, (nuint)axes.Length, stream));
    }

    /// <summary>Elements moved along one axis; those that leave at one end come in at the other.</summary>
    public MlxArray Roll(int shift, int axis) => Moved(Checked.mlx_roll_axis(Handle, &shift, 1, axis, Stream));

    /// <summary>A view by strides in elements; outside of the array's memory it is undefined.</summary>
    public MlxArray AsStrided(ReadOnlySpan<int> shape, ReadOnlySpan<long> strides, long offset = 0)
    {
        mlx_stream stream = Stream;
        fixed (int* a = shape)
        fixed (long* b = strides)
            return Moved(Checked.mlx_as_strided(
                Handle, a, (nuint)shape.Length, b, (nuint)strides.Length, checked((nuint)offset), stream));
    }

    /// <summary>The same elements, the last axis first in memory.</summary>
    public MlxArray Contiguous() => Moved(Checked.mlx_contiguous(Handle, allow_col_major: false, Stream));

    /// <summary>
    /// Coordinate matrices from coordinate vectors, as numpy's <c>meshgrid</c> with matrix or x-y indexing.
    /// </summary>
    public static MlxArray[] MeshGrid(ReadOnlySpan<MlxArray> vectors, bool sparse = false, bool matrixIndexing = false)
    {
        using ArrayVector vector = new(vectors);
        fixed (byte* indexing = matrixIndexing ? "ij\0"u8 : "xy\0"u8)
            return ArrayVector.Take(Checked.mlx_meshgrid(vector.Handle, sparse, indexing, Stream));
    }

    private static ReadOnlySpan<int> EveryOne(int count)
    {
        if (count <= Ones8.Length)
            return Ones8.AsSpan(0, count);
        int[] steps = new int[count];
        Array.Fill(steps, 1);
        return steps;
    }

    private MlxArray UpdateSlice(
        delegate*<mlx_array, mlx_array, int*, nuint, int*, nuint, int*, nuint, mlx_stream, mlx_array> operation,
        MlxArray update,
        ReadOnlySpan<int> start,
        ReadOnlySpan<int> stop,
        ReadOnlySpan<int> strides)
    {
        mlx_stream stream = Stream;
        ReadOnlySpan<int> steps = strides.IsEmpty ? EveryOne(start.Length) : strides;
        fixed (int* a = start)
        fixed (int* b = stop)
        fixed (int* c = steps)
            return New(
                operation(
                    Handle, update.Handle, a, (nuint)start.Length, b, (nuint)stop.Length, c, (nuint)steps.Length,
                    stream),
                this,
                update);
    }

    // Nothing but this array's elements: what is known about them stays known.
    private MlxArray Moved(mlx_array result)
    {
        MlxArray moved = New(result, this);
        moved._bounds = _bounds;
        return moved;
    }
}
