using ElmMlx.Bindings;

namespace ElmMlx;

// Many elements to one: of all, along one axis, along axes. With keepDims the reduced axes stay, with size 1.
public sealed unsafe partial class MlxArray
{
    /// <summary>The sum of all elements.</summary>
    public MlxArray Sum(bool keepDims = false) => Reduce(&Checked.mlx_sum, keepDims);

    /// <summary>The sum along one axis.</summary>
    public MlxArray Sum(int axis, bool keepDims = false) => Reduce(&Checked.mlx_sum_axis, axis, keepDims);

    /// <summary>The sum along axes; none: the array as it is.</summary>
    public MlxArray Sum(ReadOnlySpan<int> axes, bool keepDims = false) =>
        Reduce(&Checked.mlx_sum_axes, axes, keepDims);

    /// <summary>The mean of all elements.</summary>
    public MlxArray Mean(bool keepDims = false) => Reduce(&Checked.mlx_mean, keepDims);

    /// <summary>The mean along one axis.</summary>
    public MlxArray Mean(int axis, bool keepDims = false) => Reduce(&Checked.mlx_mean_axis, axis, keepDims);

    /// <summary>The mean along axes; none: the array as it is.</summary>
    public MlxArray Mean(ReadOnlySpan<int> axes, bool keepDims = false) =>
        Reduce(&Checked.mlx_mean_axes, axes, keepDims);

    /// <summary>The product of all elements.</summary>
    public MlxArray Prod(bool keepDims = false) => Reduce(&Checked.mlx_prod, keepDims);

    /// <summary>The product along one axis.</summary>
    public MlxArray Prod(int axis, bool keepDims = false) => Reduce(&Checked.mlx_prod_axis, axis, keepDims);

    /// <summary>The product along axes; none: the array as it is.</summary>
    public MlxArray Prod(ReadOnlySpan<int> axes, bool keepDims = false) =>
        Reduce(&Checked.mlx_prod_axes, axes, keepDims);

    /// <summary>The largest of all elements.</summary>
    public MlxArray Max(bool keepDims = false) => Reduce(&Checked.mlx_max, keepDims);

    /// <summary>The largest along one axis.</summary>
    public MlxArray Max(int axis, bool keepDims = false) => Reduce(&Checked.mlx_max_axis, axis, keepDims);

    /// <summary>The largest along axes; none: the array as it is.</summary>
    public MlxArray Max(ReadOnlySpan<int> axes, bool keepDims = false) =>
        Reduce(&Checked.mlx_max_axes, axes, keepDims);

    /// <summary>The smallest of all elements.</summary>
    public MlxArray Min(bool keepDims = false) => Reduce(&Checked.mlx_min, keepDims);

    /// <summary>The smallest along one axis.</summary>
    public MlxArray Min(int axis, bool keepDims = false) => Reduce(&Checked.mlx_min_axis, axis, keepDims);

    /// <summary>The smallest along axes; none: the array as it is.</summary>
    public MlxArray Min(ReadOnlySpan<int> axes, bool keepDims = false) =>
        Reduce(&Checked.mlx_min_axes, axes, keepDims);

    /// <summary>Whether all are non-zero, of all elements.</summary>
    public MlxArray All(bool keepDims = false) => Reduce(&Checked.mlx_all, keepDims);

    /// <summary>Whether all are non-zero, along one axis.</summary>
    public MlxArray All(int axis, bool keepDims = false) => Reduce(&Checked.mlx_all_axis, axis, keepDims);

    /// <summary>Whether all are non-zero, along axes; none: the array as it is.</summary>
    public MlxArray All(ReadOnlySpan<int> axes, bool keepDims = false) =>
        Reduce(&Checked.mlx_all_axes, axes, keepDims);

    /// <summary>Whether one is non-zero, of all elements.</summary>
    public MlxArray Any(bool keepDims = false) => Reduce(&Checked.mlx_any, keepDims);

    /// <summary>Whether one is non-zero, along one axis.</summary>
    public MlxArray Any(int axis, bool keepDims = false) => Reduce(&Checked.mlx_any_axis, axis, keepDims);

    /// <summary>Whether one is non-zero, along axes; none: the array as it is.</summary>
    public MlxArray Any(ReadOnlySpan<int> axes, bool keepDims = false) =>
        Reduce(&Checked.mlx_any_axes, axes, keepDims);

    /// <summary><c>ln Σ eˣ</c> of all elements.</summary>
    public MlxArray LogSumExp(bool keepDims = false) => Reduce(&Checked.mlx_logsumexp, keepDims);

    /// <summary><c>ln Σ eˣ</c> along one axis.</summary>
    public MlxArray LogSumExp(int axis, bool keepDims = false) => Reduce(&Checked.mlx_logsumexp_axis, axis, keepDims);

    /// <summary><c>ln Σ eˣ</c> along axes; none: the array as it is.</summary>
    public MlxArray LogSumExp(ReadOnlySpan<int> axes, bool keepDims = false) =>
        Reduce(&Checked.mlx_logsumexp_axes, axes, keepDims);

    /// <summary>The variance (divided by n - <paramref name="ddof"/>) of all elements.</summary>
    public MlxArray Var(bool keepDims = false, int ddof = 0) =>
        New(Checked.mlx_var(Handle, keepDims, ddof, Stream), this);

    /// <summary>The variance (divided by n - <paramref name="ddof"/>) along one axis.</summary>
    public MlxArray Var(int axis, bool keepDims = false, int ddof = 0) =>
        New(Checked.mlx_var_axis(Handle, axis, keepDims, ddof, Stream), this);

    /// <summary>The variance (divided by n - <paramref name="ddof"/>) along axes.</summary>
    public MlxArray Var(ReadOnlySpan<int> axes, bool keepDims = false, int ddof = 0)
    {
        mlx_stream stream = Stream;
        fixed (int* list = axes)
            return New(Checked.mlx_var_axes(Handle, list, (nuint)axes.Length, keepDims, ddof, stream), this);
    }

    /// <summary>The standard deviation (the variance divided by n - <paramref name="ddof"/>) of all elements.</summary>
    public MlxArray Std(bool keepDims = false, int ddof = 0) =>
        New(Checked.mlx_std(Handle, keepDims, ddof, Stream), this);

    /// <summary>The standard deviation (the variance divided by n - <paramref name="ddof"/>) along one axis.</summary>
    public MlxArray Std(int axis, bool keepDims = false, int ddof = 0) =>
        New(Checked.mlx_std_axis(Handle, axis, keepDims, ddof, Stream), this);

    /// <summary>The standard deviation (the variance divided by n - <paramref name="ddof"/>) along axes.</summary>
    public MlxArray Std(ReadOnlySpan<int> axes, bool keepDims = false, int ddof = 0)
    {
        mlx_stream stream = Stream;
        fixed (int* list = axes)
            return New(Checked.mlx_std_axes(Handle, list, (nuint)axes.Length, keepDims, ddof, stream), this);
    }

    /// <summary>The median along axes; none: of all elements.</summary>
    public MlxArray Median(ReadOnlySpan<int> axes = default, bool keepDims = false)
    {
        mlx_stream stream = Stream;
        ReadOnlySpan<int> all = axes.IsEmpty ? Enumerable.Range(0, Rank).ToArray() : axes;
        fixed (int* list = all)
            return New(Checked.mlx_median(Handle, list, (nuint)all.Length, keepDims, stream), this);
    }

    /// <summary>The place of the largest among all elements, as uint32.</summary>
    public MlxArray ArgMax(bool keepDims = false) => Reduce(&Checked.mlx_argmax, keepDims);

    /// <summary>The place of the largest along an axis, as uint32.</summary>
    public MlxArray ArgMax(int axis, bool keepDims = false) => Reduce(&Checked.mlx_argmax_axis, axis, keepDims);

    /// <summary>The place of the smallest among all elements, as uint32.</summary>
    public MlxArray ArgMin(bool keepDims = false) => Reduce(&Checked.mlx_argmin, keepDims);

    /// <summary>The place of the smallest along an axis, as uint32.</summary>
    public MlxArray ArgMin(int axis, bool keepDims = false) => Reduce(&Checked.mlx_argmin_axis, axis, keepDims);

    /// <summary>Softmax along <paramref name="axis"/>: <c>exp(x - max) / Σ exp(x - max)</c>.</summary>
    /// <param name="axis">The axis whose elements sum to 1; null: all elements do.</param>
    /// <param name="precise">Accumulate in float32 whatever the dtype.</param>
    public MlxArray Softmax(int? axis = -1, bool precise = false) => axis is { } one
        ? New(Checked.mlx_softmax_axis(Handle, one, precise, Stream), this)
        : New(Checked.mlx_softmax(Handle, precise, Stream), this);

    /// <summary>Softmax over several axes together.</summary>
    public MlxArray Softmax(ReadOnlySpan<int> axes, bool precise = false)
    {
        mlx_stream stream = Stream;
        fixed (int* list = axes)
            return New(Checked.mlx_softmax_axes(Handle, list, (nuint)axes.Length, precise, stream), this);
    }

    /// <summary>The number of elements along axes, as a scalar that gradients and tracing know.</summary>
    /// <param name="axes">The axes whose sizes are multiplied.</param>
    /// <param name="inverted">Give one divided by it.</param>
    /// <param name="dtype">The scalar's dtype.</param>
    public MlxArray NumberOfElements(ReadOnlySpan<int> axes, bool inverted = false, DType dtype = DType.Int32)
    {
        mlx_stream stream = Stream;
        fixed (int* list = axes)
            return New(Checked.mlx_number_of_elements(
                Handle, list, (nuint)axes.Length, inverted, (mlx_dtype)dtype, stream), this);
    }

    private MlxArray Reduce(delegate*<mlx_array, bool, mlx_stream, mlx_array> operation, bool keepDims) =>
        New(operation(Handle, keepDims, Stream), this);

    private MlxArray Reduce(
        delegate*<mlx_array, int, bool, mlx_stream, mlx_array> operation, int axis, bool keepDims) =>
        New(operation(Handle, axis, keepDims, Stream), this);

    private MlxArray Reduce(
        delegate*<mlx_array, int*, nuint, bool, mlx_stream, mlx_array> operation, ReadOnlySpan<int> axes, bool keepDims)
    {
        mlx_stream stream = Stream;
        int none = 0;
        fixed (int* list = axes)
            return New(operation(Handle, list is null ? &none : list, (nuint)axes.Length, keepDims, stream), this);
    }
}
