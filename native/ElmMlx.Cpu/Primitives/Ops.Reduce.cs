using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>Every axis of <paramref name="a"/>.</summary>
    public static int[] AllAxes(Node a)
    {
        Span<int> axes = stackalloc int[a.Rank];
        for (int axis = 0; axis < axes.Length; axis++)
            axes[axis] = axis;
        return Interned.Of(axes);
    }

    /// <summary>Whether all are not 0.</summary>
    public static Node All(Node a, int[] axes, bool keepDims) =>
        Reduced(sorted => new And(sorted), AsType(a, MLX_BOOL), axes, keepDims, MLX_BOOL);

    /// <summary>Whether any is not 0.</summary>
    public static Node Any(Node a, int[] axes, bool keepDims) =>
        Reduced(sorted => new Or(sorted), AsType(a, MLX_BOOL), axes, keepDims, MLX_BOOL);

    /// <summary>Sum; of small integers and bool in 32 bits.</summary>
    public static Node Sum(Node a, int[] axes, bool keepDims) =>
        axes.Length == 0 ? a : Reduced(sorted => new Sum(sorted), a, axes, keepDims, SumType(a.Type));

    /// <summary>Product; of small integers and bool in 32 bits.</summary>
    public static Node Prod(Node a, int[] axes, bool keepDims)
    {
        if (axes.Length == 0)
            return a;
        (int[] sorted, bool isNoOp) = SortAxes(a, axes);
        return isNoOp
            ? Reshape(a, ReducedShape(a.Shape, sorted, keepDims))
            : Reduced(unused => new Prod(sorted), a, axes, keepDims, SumType(a.Type));
    }

    /// <summary>Largest element; NaN if there is one.</summary>
    public static Node Max(Node a, int[] axes, bool keepDims) => a.Size == 0
        ? throw new ArgumentException("[max] Cannot max reduce zero size array.")
        : Reduced(sorted => new Max(sorted), a, axes, keepDims, a.Type);

    /// <summary>Smallest element; NaN if there is one.</summary>
    public static Node Min(Node a, int[] axes, bool keepDims) => a.Size == 0
        ? throw new ArgumentException("[min] Cannot min reduce zero size array.")
        : Reduced(sorted => new Min(sorted), a, axes, keepDims, a.Type);

    /// <summary>Mean; of half precision taken in float32.</summary>
    public static Node Mean(Node a, int[] axes, bool keepDims)
    {
        CheckAxes("mean", a, axes);
        mlx_dtype type = a.Type.ToInexact();
        bool isHalf = type is MLX_FLOAT16 or MLX_BFLOAT16;
        mlx_dtype sumType = isHalf ? MLX_FLOAT32 : SumType(a.Type);
        Node sum = axes.Length == 0 ? a : Reduced(sorted => new Sum(sorted), a, axes, keepDims, sumType);
        Node mean = Multiply(sum, Scalar(1.0 / CountOf(a, axes), isHalf ? MLX_FLOAT32 : type));
        return AsType(mean, type);
    }

    /// <summary>
    /// Mean squared distance from the mean, over n − <paramref name="ddof"/>; of half precision in float32.
    /// </summary>
    public static Node Var(Node a, int[] axes, bool keepDims, int ddof)
    {
        mlx_dtype type = a.Type.ToInexact();
        Node wide = AsType(a, type is MLX_FLOAT16 or MLX_BFLOAT16 ? MLX_FLOAT32 : type);
        Node squares = Sum(Square(Subtract(wide, Mean(wide, axes, keepDims: true))), axes, keepDims);
        double count = CountOf(a, axes);
        Node variance = ddof == 0
            ? Multiply(squares, Scalar(1 / count, wide.Type))
            : Divide(squares, Scalar(Math.Max(count - ddof, 0), wide.Type));
        return AsType(variance, type);
    }

    /// <summary>Square root of <see cref="Var"/>.</summary>
    public static Node Std(Node a, int[] axes, bool keepDims, int ddof) => Sqrt(Var(a, axes, keepDims, ddof));

    /// <summary>The middle element, or the mean of the two middle ones.</summary>
    public static Node Median(Node a, int[] axes, bool keepDims)
    {
        CheckAxes("median", a, axes);
        if (axes.Select(axis => axis < 0 ? axis + a.Rank : axis).Distinct().Count() != axes.Length)
            throw new ArgumentException("[median] Received duplicate axis.");
        if (axes.Length == 0 && a.Rank > 0)
            throw new ArgumentException($"[median] No axes given for an array with {a.Rank} dimensions.");
        int[] sorted = SortAxes(a, axes).Sorted;
        Node rows = LastAxis(a, sorted);
        int n = rows.Shape[^1];
        if (n == 0)
            throw new ArgumentException("[median] Cannot take median along empty axis.");
        mlx_dtype type = a.Type.ToInexact();
        Node ordered = Sort(rows, -1);
        Node median = AsType(Take(ordered, n / 2), type);
        if (n % 2 == 0)
            median = Multiply(Add(median, AsType(Take(ordered, n / 2 - 1), type)), Scalar(0.5, type));
        return Reshape(median, ReducedShape(a.Shape, sorted, keepDims));

        static Node Take(Node from, int index)
        {
            int[] start = new int[from.Rank], stop = [.. from.Shape], strides = new int[from.Rank];
            start[^1] = index;
            stop[^1] = index + 1;
            Array.Fill(strides, 1);
            return Slice(from, start, stop, strides);
        }
    }

    /// <summary>log Σ eˣ; of half precision in float32.</summary>
    public static Node LogSumExp(Node a, int[] axes, bool keepDims)
    {
        if (a.Size == 0)
            throw new ArgumentException("[logsumexp] Received empty array.");
        if (a.Rank == 0 && axes.Length > 0)
            throw new ArgumentException("[logsumexp] Received non-empty axes for array with 0 dimensions.");
        int[] sorted = SortAxes(a, axes).Sorted;
        if (a.Type == MLX_COMPLEX64)
            return LogSumExpOfComplex(a, sorted, keepDims);
        mlx_dtype type = a.Type.ToInexact();
        Node rows = LastAxis(AsType(a, type), sorted);
        Node result = Make(Shared.Of<LogSumExp>(), rows.Shape.AsSpan(..^1), type, rows);
        return Reshape(result, ReducedShape(a.Shape, sorted, keepDims));
    }

    private static Node LogSumExpOfComplex(Node a, int[] axes, bool keepDims)
    {
        Node max = Max(a, axes, keepDims: true);
        Node sum = Add(Log(Sum(Exp(Subtract(a, max)), axes, keepDims: true)), max);
        return Reshape(sum, ReducedShape(a.Shape, axes, keepDims));
    }

    /// <summary>Index of the first largest element along an axis; uint32.</summary>
    public static Node ArgMax(Node a, int axis, bool keepDims) => ArgReduce("argmax", a, axis, keepDims, isMax: true);

    /// <summary>Index of the first smallest element along an axis; uint32.</summary>
    public static Node ArgMin(Node a, int axis, bool keepDims) => ArgReduce("argmin", a, axis, keepDims, isMax: false);

    /// <summary>Index of the first largest element in row-major order.</summary>
    public static Node ArgMax(Node a, bool keepDims) =>
        Reshape(ArgMax(Flatten(a), 0, keepDims: false), OnesShape(a, keepDims));

    /// <summary>Index of the first smallest element in row-major order.</summary>
    public static Node ArgMin(Node a, bool keepDims) =>
        Reshape(ArgMin(Flatten(a), 0, keepDims: false), OnesShape(a, keepDims));

    /// <summary>Sum along the diagonal of two axes.</summary>
    public static Node Trace(Node a, int offset, int axis1, int axis2, mlx_dtype type)
    {
        if (a.Rank < 2)
            throw new ArgumentException(
                $"[trace] Array must have at least two dimensions, but got {a.Rank} dimensions.");
        if (Axis("trace", axis1, a.Rank) == Axis("trace", axis2, a.Rank))
            throw new ArgumentException("[trace] axis1 and axis2 cannot be the same axis");
        return Sum(AsType(Diagonal(a, offset, axis1, axis2), type), [-1], keepDims: false);
    }

    private static Node Reduced(
        Func<int[], Primitive> primitive, Node a, int[] axes, bool keepDims, mlx_dtype type)
    {
        int[] sorted = SortAxes(a, axes).Sorted;
        return sorted.Length == 0 && type == a.Type
            ? a : Make(primitive(sorted), ReducedShape(a.Shape, sorted, keepDims), type, a);
    }

    private static Node ArgReduce(string operation, Node a, int axis, bool keepDims, bool isMax)
    {
        if (a.Size == 0)
            throw new ArgumentException($"[{operation}] Cannot {operation} reduce zero size array.");
        int[] sorted = SortAxes(a, [axis]).Sorted;
        Node rows = LastAxis(a, sorted);
        ArgReduce primitive = Shared.Of(ValueTuple.Create(isMax), static key => new ArgReduce(key.Item1));
        Node index = Make(primitive, rows.Shape.AsSpan(..^1), MLX_UINT32, rows);
        return keepDims ? Reshape(index, ReducedShape(a.Shape, sorted, keepDims)) : index;
    }

    /// <summary>The axes of a reduction, sorted, made one at the end: a view when strides allow it.</summary>
    internal static Node LastAxis(Node a, int[] axes)
    {
        Span<int> order = stackalloc int[a.Rank], shape = stackalloc int[a.Rank - axes.Length + 1];
        int nKept = 0;
        for (int axis = 0; axis < a.Rank; axis++)
        {
            if (axes.Contains(axis))
                continue;
            shape[nKept] = a.Shape[axis];
            order[nKept++] = axis;
        }

        axes.CopyTo(order[nKept..]);
        Node moved = Transpose(a, order);
        if (axes.Length == 1)
            return moved;
        int length = 1;
        foreach (int axis in axes)
            length *= a.Shape[axis];
        shape[nKept] = length;
        return Reshape(moved, shape);
    }

    /// <summary>What <see cref="LastAxis"/> did to an array of this shape, undone.</summary>
    internal static Node Axes(Node rows, int[] shape, int[] axes)
    {
        int[] all = [.. Enumerable.Range(0, shape.Length)];
        int[] order = [.. all.Where(axis => !axes.Contains(axis)), .. axes];
        Node moved = Reshape(rows, [.. order.Select(axis => shape[axis])]);
        return Transpose(moved, [.. all.Select(axis => Array.IndexOf(order, axis))]);
    }

    private static (int[] Sorted, bool IsNoOp) SortAxes(Node a, int[] axes)
    {
        Span<int> sorted = stackalloc int[axes.Length];
        bool isNoOp = true;
        for (int i = 0; i < axes.Length; i++)
        {
            sorted[i] = axes[i] < 0 ? axes[i] + a.Rank : axes[i];
            if (sorted[i] < 0 || sorted[i] >= a.Rank)
                throw new ArgumentException($"Invalid axis {axes[i]} for array with {a.Rank} dimensions.");
            isNoOp &= a.Shape[sorted[i]] == 1;
        }

        sorted.Sort();
        for (int i = 1; i < sorted.Length; i++)
        {
            if (sorted[i] == sorted[i - 1])
                throw new ArgumentException("Duplicate axes detected in reduction.");
        }

        return (Interned.Of(sorted), isNoOp);
    }

    private static int[] ReducedShape(int[] shape, int[] axes, bool keepDims)
    {
        Span<int> reduced = stackalloc int[shape.Length];
        int rank = 0;
        for (int axis = 0; axis < shape.Length; axis++)
        {
            if (!axes.Contains(axis))
                reduced[rank++] = shape[axis];
            else if (keepDims)
                reduced[rank++] = 1;
        }

        return Interned.Of(reduced[..rank]);
    }

    private static int[] OnesShape(Node a, bool keepDims) => keepDims ? [.. a.Shape.Select(_ => 1)] : [];

    private static mlx_dtype SumType(mlx_dtype type) => type switch
    {
        MLX_BOOL or MLX_INT8 or MLX_INT16 => MLX_INT32,
        MLX_UINT8 or MLX_UINT16 => MLX_UINT32,
        _ => type,
    };

    private static double CountOf(Node a, int[] axes)
    {
        double count = 1;
        foreach (int axis in axes)
            count *= a.Shape[axis < 0 ? axis + a.Rank : axis];
        return count;
    }

    private static void CheckAxes(string operation, Node a, int[] axes)
    {
        foreach (int axis in axes)
        {
            if (axis < -a.Rank || axis >= a.Rank)
                throw new ArgumentException(
                    $"[{operation}] axis {axis} is out of bounds for array with {a.Rank} dimensions.");
        }
    }
}
