using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>An array of one value, or of values that broadcast to the shape.</summary>
    public static Node Full(int[] shape, Node values, mlx_dtype type)
    {
        if (shape.Any(length => length < 0))
            throw new ArgumentException("[full] Negative dimensions not allowed.");
        return Make(Shared.Of<Full>(), shape, type, BroadcastTo(AsType(values, type), shape));
    }

    public static Node Zeros(int[] shape, mlx_dtype type) => Full(shape, Scalar(0, type), type);

    public static Node Ones(int[] shape, mlx_dtype type) => Full(shape, Scalar(1, type), type);

    /// <summary>Start, start + step, … below stop.</summary>
    public static Node Arange(double start, double stop, double step, mlx_dtype type)
    {
        if (type == MLX_BOOL)
            throw new ArgumentException("[arange] bool not supported for arange.");
        if (double.IsNaN(start) || double.IsNaN(stop) || double.IsNaN(step)
            || double.IsInfinity(start) || double.IsInfinity(stop))
            throw new ArgumentException("[arange] Cannot compute length.");
        if (double.IsInfinity(step))
            return step > 0 == start < stop && start != stop ? Reshape(Scalar(start, type), [1]) : Zeros([0], type);
        double length = Math.Ceiling((stop - start) / step);
        if (length > int.MaxValue || double.IsNaN(length))
            throw new ArgumentException("[arange] Maximum size exceeded.");
        return Make(new Arange(start, step), [Math.Max((int)length, 0)], type);
    }

    /// <summary>0, 1, …, n − 1.</summary>
    public static Node Arange(int n, mlx_dtype type = MLX_INT32) => Arange(0, n, 1, type);

    public static Node Linspace(double start, double stop, int count, mlx_dtype type)
    {
        if (count < 0)
            throw new ArgumentException($"[linspace] number of samples, {count}, must be non-negative.");
        mlx_dtype inner = type == MLX_FLOAT64 ? MLX_FLOAT64 : MLX_FLOAT32;
        return count == 1
            ? Reshape(AsType(Scalar(start, inner), type), [1])
            : AsType(Make(new Linspace(start, stop), [count], inner), type);
    }

    /// <summary>Ones on the k-th diagonal.</summary>
    public static Node Eye(int n, int m, int k, mlx_dtype type)
    {
        if (n <= 0 || m <= 0)
            throw new ArgumentException("[eye] N and M must be positive integers.");
        Node zeros = Zeros([n, m], type);
        if (k >= m || -(long)k >= n)
            return zeros;
        int length = k >= 0 ? Math.Min(n, m - k) : Math.Min(n + k, m);
        return SetDiagonal(zeros, k, Ones([length], type));
    }

    /// <summary>Ones on and below the k-th diagonal.</summary>
    public static Node Tri(int n, int m, int k, mlx_dtype type)
    {
        if (n < 0 || m < 0)
            throw new ArgumentException($"[tri] Shape {Text([n, m])} has a negative dimension.");
        return AsType(Make(new Tri(k), [n, m], MLX_BOOL), type);
    }

    /// <summary>Zero above the k-th diagonal of the last two axes.</summary>
    public static Node Tril(Node a, int k)
    {
        if (a.Rank < 2)
            throw new ArgumentException("[tril] array must be at least 2-D");
        return Where(Tri(a.Shape[^2], a.Shape[^1], k, MLX_BOOL), a, Scalar(0, a.Type));
    }

    /// <summary>Zero below the k-th diagonal of the last two axes.</summary>
    public static Node Triu(Node a, int k)
    {
        if (a.Rank < 2)
            throw new ArgumentException("[triu] array must be at least 2-D");
        return Where(Tri(a.Shape[^2], a.Shape[^1], k - 1, MLX_BOOL), Scalar(0, a.Type), a);
    }

    /// <summary>A vector as the k-th diagonal of a matrix of zeros, or the k-th diagonal of a matrix.</summary>
    public static Node Diag(Node a, int k)
    {
        if (a.Rank == 2)
            return Diagonal(a, k, 0, 1);
        if (a.Rank != 1)
            throw new ArgumentException($"[diag] array must be 1-D or 2-D, got array with {a.Rank} dimensions.");
        int n = checked(a.Shape[0] + Math.Abs(k));
        return SetDiagonal(Zeros([n, n], a.Type), k, a);
    }

    /// <summary>The diagonal of two axes as a last axis: a view.</summary>
    public static Node Diagonal(Node a, int offset, int axis1, int axis2)
    {
        if (a.Rank < 2)
            throw new ArgumentException(
                $"[diagonal] Array must have at least two dimensions, but got {a.Rank} dimensions.");
        int first = Axis("diagonal", axis1, a.Rank), second = Axis("diagonal", axis2, a.Rank);
        if (first == second)
            throw new ArgumentException("[diagonal] axis1 and axis2 cannot be the same axis");
        int length = (int)Math.Max(
            0, Math.Min(a.Shape[first] - Math.Max(-(long)offset, 0), a.Shape[second] - Math.Max((long)offset, 0)));
        int[] shape = [.. a.Shape.Where((_, axis) => axis != first && axis != second), length];
        return Make(new Diagonal(offset, first, second), shape, a.Type, a);
    }

    /// <summary>How many elements these axes have together, or one over it.</summary>
    public static Node NumberOfElements(Node a, int[] axes, bool isInverted, mlx_dtype type)
    {
        double count = 1;
        foreach (int axis in axes)
            count *= a.Shape[Axis("number_of_elements", axis, a.Rank)];
        return Scalar(isInverted ? 1 / count : count, type);
    }

    private static Node SetDiagonal(Node matrix, int k, Node values)
    {
        int length = values.Shape[0];
        int row = Math.Max(0, -k), column = Math.Max(0, k);
        return Scatter(
            matrix,
            [Arange(row, length + row, 1, MLX_INT32), Arange(column, length + column, 1, MLX_INT32)],
            Reshape(values, [length, 1, 1]), [0, 1], ScatterMode.Set);
    }
}
