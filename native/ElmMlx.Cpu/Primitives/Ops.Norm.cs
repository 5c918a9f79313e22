using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>√Σ|x|² over at most two axes; null: over all elements.</summary>
    public static Node Norm(Node a, int[]? axes, bool keepDims)
    {
        if (axes is null)
            return L2Norm(Flatten(a), [0], keepDims);
        return axes.Length <= 2 ? L2Norm(a, axes, keepDims) : throw TooManyAxes(a, axes);
    }

    /// <summary>A norm of vectors along one axis, or of matrices in two; null: all axes.</summary>
    public static Node Norm(Node a, double order, int[]? axes, bool keepDims)
    {
        int[] over = axes ?? AllAxes(a);
        return over.Length switch
        {
            1 => VectorNorm(a, order, over, keepDims),
            2 => MatrixNorm(a, order, over, keepDims),
            _ => throw TooManyAxes(a, over),
        };
    }

    /// <summary>The Frobenius norm (<c>f</c>, <c>fro</c>) or the nuclear one (<c>nuc</c>) of matrices.</summary>
    public static Node Norm(Node a, string order, int[]? axes, bool keepDims)
    {
        int[] over = axes ?? AllAxes(a);
        if (over.Length != 2)
            throw new ArgumentException($"[linalg::norm] The norm '{order}' is one of two axes, not of {over.Length}.");
        return order switch
        {
            "f" or "fro" => L2Norm(a, over, keepDims),
            "nuc" => OfSingularValues(a, over, keepDims, s => Sum(s, [s.Rank - 1], keepDims: false)),
            _ => throw new ArgumentException($"[linalg::norm] There is no norm '{order}' of matrices."),
        };
    }

    /// <summary>a × b along an axis of 2 or 3 elements.</summary>
    public static Node Cross(Node a, Node b, int axis)
    {
        int ofA = Axis("linalg::cross", axis, a.Rank), ofB = Axis("linalg::cross", axis, b.Rank);
        if (a.Shape[ofA] is < 2 or > 3 || b.Shape[ofB] is < 2 or > 3)
            throw new ArgumentException($"[linalg::cross] Axis {axis} of {a} and {b} must have 2 or 3 elements.");
        mlx_dtype type = DTypes.Promote(a.Type, b.Type);
        int[] left = [.. a.Shape], right = [.. b.Shape];
        left[ofA] = right[ofB] = 1;
        int[] shape = BroadcastShapes("linalg::cross", left, right);
        int at = axis < 0 ? axis + shape.Length : axis;
        Node?[] x = Parts(a, ofA), y = Parts(b, ofB);
        Node last = Subtract(Multiply(x[0]!, y[1]!), Multiply(x[1]!, y[0]!));
        return Concatenate([Minor(1), Minor(2), last], at);

        // The third elements are 0 where an array has two
        Node Minor(int which)
        {
            (int p, int q) = which == 1 ? (1, 2) : (2, 0);
            Node? first = x[p] is null || y[q] is null ? null : Multiply(x[p]!, y[q]!);
            Node? second = x[q] is null || y[p] is null ? null : Multiply(x[q]!, y[p]!);
            return first is null ? second is null ? ZerosLike(last) : Negative(second)
                : second is null ? first : Subtract(first, second);
        }

        Node?[] Parts(Node of, int place)
        {
            Node wide = AsType(of, type);
            var parts = new Node?[3];
            for (int i = 0; i < of.Shape[place]; i++)
            {
                int[] starts = new int[of.Rank], stops = [.. of.Shape], steps = new int[of.Rank];
                Array.Fill(steps, 1);
                (starts[place], stops[place]) = (i, i + 1);
                parts[i] = BroadcastTo(Slice(wide, starts, stops, steps), shape);
            }

            return parts;
        }
    }

    private static Node L2Norm(Node a, int[] axes, bool keepDims)
    {
        Node magnitude = a.Type == MLX_COMPLEX64 ? Abs(a) : a;
        return Sqrt(Sum(Square(magnitude), axes, keepDims));
    }

    private static Node VectorNorm(Node a, double order, int[] axes, bool keepDims)
    {
        mlx_dtype type = a.Type.ToInexact();
        return order switch
        {
            0 => AsType(Sum(NotEqual(a, Scalar(0, MLX_INT32)), axes, keepDims), type),
            1 => AsType(Sum(Abs(a), axes, keepDims), type),
            2 => L2Norm(a, axes, keepDims),
            double.PositiveInfinity => AsType(Max(Abs(a), axes, keepDims), type),
            double.NegativeInfinity => AsType(Min(Abs(a), axes, keepDims), type),
            _ => Power(Sum(Power(Abs(a), Scalar(order, type)), axes, keepDims), Scalar(1 / order, type)),
        };
    }

    private static Node MatrixNorm(Node a, double order, int[] axes, bool keepDims)
    {
        mlx_dtype type = a.Type.ToInexact();
        int row = Axis("linalg::norm", axes[0], a.Rank), column = Axis("linalg::norm", axes[1], a.Rank);
        return order switch
        {
            1 or -1 => OfSums(row, column),
            double.PositiveInfinity or double.NegativeInfinity => OfSums(column, row),
            2 => AsType(OfSingularValues(a, axes, keepDims, s => Max(s, [s.Rank - 1], keepDims: false)), type),
            -2 => AsType(OfSingularValues(a, axes, keepDims, s => Min(s, [s.Rank - 1], keepDims: false)), type),
            _ => throw new ArgumentException($"[linalg::norm] There is no norm of order {order} of matrices."),
        };

        Node OfSums(int over, int among)
        {
            Node sums = Sum(Abs(a), [over], keepDims: true);
            Node extreme = order > 0 ? Max(sums, [among], keepDims: true) : Min(sums, [among], keepDims: true);
            return AsType(keepDims ? extreme : Squeeze(extreme, over, among), type);
        }
    }

    private static Node OfSingularValues(Node a, int[] axes, bool keepDims, Func<Node, Node> reduce)
    {
        int row = Axis("linalg::norm", axes[0], a.Rank), column = Axis("linalg::norm", axes[1], a.Rank);
        int[] front = [.. AllAxes(a).Where(axis => axis != row && axis != column)];
        Node result = reduce(Svd(Transpose(a, [.. front, row, column]), isWhole: false)[0]);
        return keepDims ? ExpandDims(result, Math.Min(row, column), Math.Max(row, column)) : result;
    }

    private static ArgumentException TooManyAxes(Node a, int[] axes) =>
        new($"[linalg::norm] A norm is one of one or two axes, not of {axes.Length} of {a}.");
}
