using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>Sorted along an axis, NaN last.</summary>
    public static Node Sort(Node a, int axis) =>
        AlongLast(a, OrderAxis("sort", axis, a), rows => Make(new Sort("Sort"), rows.Shape, rows.Type, rows));

    /// <summary>Where the sorted elements stood; uint32, equal elements in their order.</summary>
    public static Node ArgSort(Node a, int axis) =>
        AlongLast(a, OrderAxis("argsort", axis, a), rows => Make(new ArgSort("ArgSort"), rows.Shape, MLX_UINT32, rows));

    /// <summary>Nothing before <paramref name="kth"/> is larger, nothing after it smaller.</summary>
    public static Node Partition(Node a, int kth, int axis) => AlongLast(a, KthAxis("partition", kth, axis, a),
        rows => Make(new Sort("Partition"), rows.Shape, rows.Type, rows));

    /// <summary>Where the elements of <see cref="Partition"/> stood; uint32.</summary>
    public static Node ArgPartition(Node a, int kth, int axis) => AlongLast(a, KthAxis("argpartition", kth, axis, a),
        rows => Make(new ArgSort("ArgPartition"), rows.Shape, MLX_UINT32, rows));

    /// <summary>The <paramref name="k"/> largest along an axis, the largest last.</summary>
    public static Node TopK(Node a, int k, int axis)
    {
        int positive = OrderAxis("topk", axis, a), n = a.Shape[positive];
        if (k < 0 || k > n)
            throw new ArgumentException(
                $"[topk] Received invalid k={k} along axis {axis} for array with shape: {Text(a.Shape)}");
        if (k == n)
            return a;
        int[] start = new int[a.Rank], stop = [.. a.Shape], strides = new int[a.Rank];
        start[positive] = n - k;
        Array.Fill(strides, 1);
        return Slice(Sort(a, positive), start, stop, strides);
    }

    /// <summary>softmax over one or more axes.</summary>
    public static Node Softmax(Node a, int[] axes)
    {
        mlx_dtype type = a.Type.ToInexact();
        if (a.Size == 0)
            return a;
        if (a.Rank == 0 && axes.Length > 0)
            throw new ArgumentException("[softmax] Received non-empty axes for array with 0 dimensions.");
        int[] sorted = SortAxes(a, axes).Sorted;
        if (type == MLX_COMPLEX64)
        {
            Node powers = Exp(Subtract(a, Max(a, sorted, keepDims: true)));
            return Divide(powers, Sum(powers, sorted, keepDims: true));
        }

        Node wide = AsType(a, type);
        if (sorted.Length == 1)
            return AlongLast(wide, sorted[0], rows => Make(Shared.Of<Softmax>(), rows.Shape, type, rows));
        Node last = LastAxis(wide, sorted);
        return Axes(Make(Shared.Of<Softmax>(), last.Shape, type, last), a.Shape, sorted);
    }

    /// <summary>Running sum; of bool in int32.</summary>
    public static Node CumSum(Node a, int axis, bool isReverse, bool isInclusive) =>
        Scan("cumsum", ScanKind.Sum, a, axis, isReverse, isInclusive);

    /// <summary>Running product.</summary>
    public static Node CumProd(Node a, int axis, bool isReverse, bool isInclusive) =>
        Scan("cumprod", ScanKind.Prod, a, axis, isReverse, isInclusive);

    /// <summary>Running maximum.</summary>
    public static Node CumMax(Node a, int axis, bool isReverse, bool isInclusive) =>
        Scan("cummax", ScanKind.Max, a, axis, isReverse, isInclusive);

    /// <summary>Running minimum.</summary>
    public static Node CumMin(Node a, int axis, bool isReverse, bool isInclusive) =>
        Scan("cummin", ScanKind.Min, a, axis, isReverse, isInclusive);

    /// <summary>Running log Σ eˣ.</summary>
    public static Node LogCumSumExp(Node a, int axis, bool isReverse, bool isInclusive) =>
        Scan("logcumsumexp", ScanKind.LogAddExp, a, axis, isReverse, isInclusive);

    private static Node Scan(string operation, ScanKind kind, Node a, int axis, bool isReverse, bool isInclusive)
    {
        if (axis >= a.Rank || axis < -a.Rank)
            throw new ArgumentException(
                $"[{operation}] Axis {axis} is out of bounds for array with {a.Rank} dimensions.");
        mlx_dtype type = kind == ScanKind.Sum && a.Type == MLX_BOOL ? MLX_INT32 : a.Type;
        return AlongLast(a, Axis(operation, axis, a.Rank),
            rows => Make(new Scan(kind, isReverse, isInclusive), rows.Shape, type, rows));
    }

    // What works along the last axis, along any: swapped there and back, which costs no copy by itself.
    private static Node AlongLast(Node a, int axis, Func<Node, Node> operation) =>
        axis == a.Rank - 1 ? operation(a) : SwapAxes(operation(SwapAxes(a, axis, -1)), axis, -1);

    private static int OrderAxis(string operation, int axis, Node a) => axis >= -a.Rank && axis < a.Rank
        ? Axis(operation, axis, a.Rank)
        : throw new ArgumentException(
            $"[{operation}] Received invalid axis {axis} for array with {a.Rank} dimensions.");

    private static int KthAxis(string operation, int kth, int axis, Node a)
    {
        int positive = OrderAxis(operation, axis, a), n = a.Shape[positive];
        return kth >= -n && kth < n ? positive : throw new ArgumentException(
            $"[{operation}] Received invalid kth {kth} along axis {axis} for array with shape: {Text(a.Shape)}");
    }
}
