using ElmMlx.Bindings;

namespace ElmMlx;

// Elements by index. MLX does not look at indices, so those that came from managed memory are checked here.
public sealed unsafe partial class MlxArray
{
    private IndexBounds? _bounds;

    /// <summary>The slices of an axis at indices: their shape stands in the place of the axis.</summary>
    /// <exception cref="MlxException">An index that is known is out of range.</exception>
    public MlxArray Take(MlxArray indices, int axis)
    {
        CheckIndices("take_axis", indices, axis);
        return New(Checked.mlx_take_axis(Handle, indices.Handle, axis, Stream), this, indices);
    }

    /// <summary>The elements of the flattened array at indices.</summary>
    /// <exception cref="MlxException">An index that is known is out of range.</exception>
    public MlxArray Take(MlxArray indices)
    {
        CheckBounds("take", indices, Size);
        return New(Checked.mlx_take(Handle, indices.Handle, Stream), this, indices);
    }

    /// <summary>The slice of an axis at one index, without the axis.</summary>
    public MlxArray Take(int index, int axis) => Take(Scalar(index), axis);

    /// <summary>
    /// One element of an axis for each place of <paramref name="indices"/>, whose other axes match or broadcast.
    /// </summary>
    /// <exception cref="MlxException">An index that is known is out of range.</exception>
    public MlxArray TakeAlongAxis(MlxArray indices, int axis)
    {
        CheckIndices("take_along_axis", indices, axis);
        return New(Checked.mlx_take_along_axis(Handle, indices.Handle, axis, Stream), this, indices);
    }

    /// <summary>
    /// A copy with <paramref name="values"/> at the places that <see cref="TakeAlongAxis"/> would read.
    /// </summary>
    /// <exception cref="MlxException">An index that is known is out of range.</exception>
    public MlxArray PutAlongAxis(MlxArray indices, MlxArray values, int axis)
    {
        CheckIndices("put_along_axis", indices, axis);
        return New(
            Checked.mlx_put_along_axis(Handle, indices.Handle, values.Handle, axis, Stream), this, indices, values);
    }

    /// <summary>A copy with <paramref name="values"/> added at the places that <see cref="TakeAlongAxis"/>
    /// would read.</summary>
    /// <exception cref="MlxException">An index that is known is out of range.</exception>
    public MlxArray AddAlongAxis(MlxArray indices, MlxArray values, int axis)
    {
        CheckIndices("scatter_add_axis", indices, axis);
        return New(
            Checked.mlx_scatter_add_axis(Handle, indices.Handle, values.Handle, axis, Stream), this, indices, values);
    }

    /// <summary>Slices of fixed size that start at indices.</summary>
    /// <param name="indices">One array for each of <paramref name="axes"/>; they broadcast.</param>
    /// <param name="axes">The axes that are indexed.</param>
    /// <param name="sliceSizes">The size of a slice along every axis.</param>
    /// <returns>Shape: that of the indices, then <paramref name="sliceSizes"/>.</returns>
    /// <exception cref="MlxException">An index that is known is out of range.</exception>
    public MlxArray Gather(ReadOnlySpan<MlxArray> indices, ReadOnlySpan<int> axes, ReadOnlySpan<int> sliceSizes)
    {
        CheckIndices("gather", indices, axes);
        mlx_stream stream = Stream;
        using ArrayVector vector = new(indices);
        fixed (int* a = axes)
        fixed (int* b = sliceSizes)
            return New(Checked.mlx_gather(
                Handle, vector.Handle, a, (nuint)axes.Length, b, (nuint)sliceSizes.Length, stream), this);
    }

    /// <summary>A copy with <paramref name="updates"/> at indices.</summary>
    /// <param name="indices">One array for each of <paramref name="axes"/>; they broadcast.</param>
    /// <param name="updates">Shape: that of the indices, then one size for every axis of this array.</param>
    /// <param name="axes">The axes that are indexed.</param>
    /// <exception cref="MlxException">An index that is known is out of range.</exception>
    public MlxArray Scatter(ReadOnlySpan<MlxArray> indices, MlxArray updates, ReadOnlySpan<int> axes) =>
        Scatter("scatter", &Checked.mlx_scatter, indices, updates, axes);

    /// <summary>
    /// A copy with <paramref name="updates"/> added at indices; see
    /// <see cref="Scatter(ReadOnlySpan{MlxArray}, MlxArray, ReadOnlySpan{int})"/>.
    /// </summary>
    public MlxArray ScatterAdd(ReadOnlySpan<MlxArray> indices, MlxArray updates, ReadOnlySpan<int> axes) =>
        Scatter("scatter_add", &Checked.mlx_scatter_add, indices, updates, axes);

    /// <summary>A copy multiplied by <paramref name="updates"/> at indices.</summary>
    public MlxArray ScatterProd(ReadOnlySpan<MlxArray> indices, MlxArray updates, ReadOnlySpan<int> axes) =>
        Scatter("scatter_prod", &Checked.mlx_scatter_prod, indices, updates, axes);

    /// <summary>A copy with the larger of itself and <paramref name="updates"/> at indices.</summary>
    public MlxArray ScatterMax(ReadOnlySpan<MlxArray> indices, MlxArray updates, ReadOnlySpan<int> axes) =>
        Scatter("scatter_max", &Checked.mlx_scatter_max, indices, updates, axes);

    /// <summary>A copy with the smaller of itself and <paramref name="updates"/> at indices.</summary>
    public MlxArray ScatterMin(ReadOnlySpan<MlxArray> indices, MlxArray updates, ReadOnlySpan<int> axes) =>
        Scatter("scatter_min", &Checked.mlx_scatter_min, indices, updates, axes);

    /// <summary>
    /// A copy in which the elements where <paramref name="mask"/> holds are replaced by those of
    /// <paramref name="source"/>, in order.
    /// </summary>
    public MlxArray MaskedScatter(MlxArray mask, MlxArray source) =>
        New(Checked.mlx_masked_scatter(Handle, mask.Handle, source.Handle, Stream), this, mask, source);

    private MlxArray Scatter(
        string operation,
        delegate*<mlx_array, mlx_vector_array, mlx_array, int*, nuint, mlx_stream, mlx_array> scatter,
        ReadOnlySpan<MlxArray> indices,
        MlxArray updates,
        ReadOnlySpan<int> axes)
    {
        CheckIndices(operation, indices, axes);
        mlx_stream stream = Stream;
        using ArrayVector vector = new(indices);
        fixed (int* list = axes)
            return New(
                scatter(Handle, vector.Handle, updates.Handle, list, (nuint)axes.Length, stream), this, updates);
    }

    private void CheckIndices(string operation, ReadOnlySpan<MlxArray> indices, ReadOnlySpan<int> axes)
    {
        if (indices.Length != axes.Length)
            throw Refused(operation, $"{indices.Length} index arrays for {axes.Length} axes");
        for (int i = 0; i < indices.Length; i++)
            CheckIndices(operation, indices[i], axes[i]);
    }

    private void CheckIndices(string operation, MlxArray indices, int axis)
    {
        int place = CheckAxis(operation, axis);
        if (indices._bounds is not null)
            CheckBounds(operation, indices, Dim(place));
    }

    private void CheckBounds(string operation, MlxArray indices, long size)
    {
        if (indices._bounds is not { } bounds)
            return;
        if (bounds.Least < -size || bounds.Most >= size)
        {
            long wrong = bounds.Most >= size ? bounds.Most : bounds.Least;
            throw Refused(operation, $"index {wrong} is out of range: there are {size}", indices);
        }
    }
}
