using ElmMlx.Bindings;

namespace ElmMlx;

// Gather and scatter along one axis: one array of indices.
public sealed unsafe partial class MlxArray
{
    /// <summary>Slices of fixed size that start at indices of one axis.</summary>
    /// <param name="indices">Of integers.</param>
    /// <param name="axis">The axis that is indexed.</param>
    /// <param name="sliceSizes">The size of a slice along every axis.</param>
    /// <returns>Shape: that of the indices, then <paramref name="sliceSizes"/>.</returns>
    /// <exception cref="MlxException">An index that is known is out of range.</exception>
    public MlxArray Gather(MlxArray indices, int axis, params ReadOnlySpan<int> sliceSizes)
    {
        CheckIndices("gather", indices, axis);
        mlx_stream stream = Stream;
        fixed (int* sizes = sliceSizes)
            return New(
                Checked.mlx_gather_single(Handle, indices.Handle, axis, sizes, (nuint)sliceSizes.Length, stream),
                this,
                indices);
    }

    /// <summary>A copy with <paramref name="updates"/> at indices of one axis.</summary>
    /// <param name="indices">Of integers.</param>
    /// <param name="updates">Shape: that of the indices, then one size for every axis of this array.</param>
    /// <param name="axis">The axis that is indexed.</param>
    /// <exception cref="MlxException">An index that is known is out of range.</exception>
    public MlxArray Scatter(MlxArray indices, MlxArray updates, int axis) =>
        Scatter("scatter", &Checked.mlx_scatter_single, indices, updates, axis);

    /// <summary>A copy with <paramref name="updates"/> added at indices of one axis.</summary>
    /// <inheritdoc cref="Scatter(MlxArray, MlxArray, int)"/>
    public MlxArray ScatterAdd(MlxArray indices, MlxArray updates, int axis) =>
        Scatter("scatter_add", &Checked.mlx_scatter_add_single, indices, updates, axis);

    /// <summary>A copy multiplied by <paramref name="updates"/> at indices of one axis.</summary>
    /// <inheritdoc cref="Scatter(MlxArray, MlxArray, int)"/>
    public MlxArray ScatterProd(MlxArray indices, MlxArray updates, int axis) =>
        Scatter("scatter_prod", &Checked.mlx_scatter_prod_single, indices, updates, axis);

    /// <summary>A copy with the larger of itself and <paramref name="updates"/> at indices of one axis.</summary>
    /// <inheritdoc cref="Scatter(MlxArray, MlxArray, int)"/>
    public MlxArray ScatterMax(MlxArray indices, MlxArray updates, int axis) =>
        Scatter("scatter_max", &Checked.mlx_scatter_max_single, indices, updates, axis);

    /// <summary>A copy with the smaller of itself and <paramref name="updates"/> at indices of one axis.</summary>
    /// <inheritdoc cref="Scatter(MlxArray, MlxArray, int)"/>
    public MlxArray ScatterMin(MlxArray indices, MlxArray updates, int axis) =>
        Scatter("scatter_min", &Checked.mlx_scatter_min_single, indices, updates, axis);

    private MlxArray Scatter(
        string operation,
        delegate*<mlx_array, mlx_array, mlx_array, int, mlx_stream, mlx_array> scatter,
        MlxArray indices,
        MlxArray updates,
        int axis)
    {
        CheckIndices(operation, indices, axis);
        return New(scatter(Handle, indices.Handle, updates.Handle, axis, Stream), this, indices, updates);
    }
}
