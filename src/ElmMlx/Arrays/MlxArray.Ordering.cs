using ElmMlx.Bindings;

namespace ElmMlx;

// Sorting (of the flattened array where the axis is null) and running totals. MLX ends the process on empty arrays
// here, so they are refused.
public sealed unsafe partial class MlxArray
{
    /// <summary>In ascending order along an axis; NaN last.</summary>
    /// <exception cref="MlxException">The array is empty.</exception>
    public MlxArray Sort(int? axis = -1) => axis is { } one
        ? Moved(Checked.mlx_sort_axis(NotEmpty("sort_axis"), one, Stream))
        : Moved(Checked.mlx_sort(NotEmpty("sort"), Stream));

    /// <summary>The places that <see cref="Sort"/> would take the elements from, as uint32.</summary>
    /// <exception cref="MlxException">The array is empty.</exception>
    public MlxArray ArgSort(int? axis = -1) => axis is { } one
        ? New(Checked.mlx_argsort_axis(NotEmpty("argsort_axis"), one, Stream), this)
        : New(Checked.mlx_argsort(NotEmpty("argsort"), Stream), this);

    /// <summary>
    /// The <paramref name="kth"/> smallest in its sorted place, smaller ones before it, larger ones after it.
    /// </summary>
    /// <exception cref="MlxException">The array is empty.</exception>
    public MlxArray Partition(int kth, int? axis = -1) => axis is { } one
        ? Moved(Checked.mlx_partition_axis(NotEmpty("partition_axis"), kth, one, Stream))
        : Moved(Checked.mlx_partition(NotEmpty("partition"), kth, Stream));

    /// <summary>The places that <see cref="Partition"/> would take the elements from, as uint32.</summary>
    /// <exception cref="MlxException">The array is empty.</exception>
    public MlxArray ArgPartition(int kth, int? axis = -1) => axis is { } one
        ? New(Checked.mlx_argpartition_axis(NotEmpty("argpartition_axis"), kth, one, Stream), this)
        : New(Checked.mlx_argpartition(NotEmpty("argpartition"), kth, Stream), this);

    /// <summary>The <paramref name="k"/> largest along an axis, in no order.</summary>
    /// <exception cref="MlxException">The array is empty.</exception>
    public MlxArray TopK(int k, int? axis = -1) => axis is { } one
        ? Moved(Checked.mlx_topk_axis(NotEmpty("topk_axis"), k, one, Stream))
        : Moved(Checked.mlx_topk(NotEmpty("topk"), k, Stream));

    /// <summary>Running sums along an axis.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="reverse">From the end.</param>
    /// <param name="inclusive">An element counts in its own sum.</param>
    /// <exception cref="MlxException">The array is empty.</exception>
    public MlxArray CumSum(int axis = -1, bool reverse = false, bool inclusive = true) =>
        New(Checked.mlx_cumsum(NotEmpty("cumsum"), axis, reverse, inclusive, Stream), this);

    /// <summary>Running products along an axis; see <see cref="CumSum"/>.</summary>
    /// <exception cref="MlxException">The array is empty.</exception>
    public MlxArray CumProd(int axis = -1, bool reverse = false, bool inclusive = true) =>
        New(Checked.mlx_cumprod(NotEmpty("cumprod"), axis, reverse, inclusive, Stream), this);

    /// <summary>The largest so far along an axis; see <see cref="CumSum"/>.</summary>
    /// <exception cref="MlxException">The array is empty.</exception>
    public MlxArray CumMax(int axis = -1, bool reverse = false, bool inclusive = true) =>
        New(Checked.mlx_cummax(NotEmpty("cummax"), axis, reverse, inclusive, Stream), this);

    /// <summary>The smallest so far along an axis; see <see cref="CumSum"/>.</summary>
    /// <exception cref="MlxException">The array is empty.</exception>
    public MlxArray CumMin(int axis = -1, bool reverse = false, bool inclusive = true) =>
        New(Checked.mlx_cummin(NotEmpty("cummin"), axis, reverse, inclusive, Stream), this);

    /// <summary><c>ln Σ eˣ</c> so far along an axis; see <see cref="CumSum"/>.</summary>
    /// <exception cref="MlxException">The array is empty.</exception>
    public MlxArray LogCumSumExp(int axis = -1, bool reverse = false, bool inclusive = true) =>
        New(Checked.mlx_logcumsumexp(NotEmpty("logcumsumexp"), axis, reverse, inclusive, Stream), this);

    private mlx_array NotEmpty(string operation) =>
        Size > 0 ? Handle : throw Refused(operation, "the array is empty");
}
