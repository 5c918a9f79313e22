using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>Q [.., m, k] and R [.., k, n] of matrices [.., m, n], where k = min(m, n).</summary>
    public static (Node Q, Node R) Qr(Node a)
    {
        CheckMatrix("qr", a);
        int[] front = a.Shape[..^2];
        int m = a.Shape[^2], n = a.Shape[^1], k = Math.Min(m, n);
        ReadOnlySpan<Node> outputs = Operation.New(
            Shared.Of<QRF>(), [a], [[.. front, m, k], [.. front, k, n]], [a.Type, a.Type]).Outputs;
        return (outputs[0], outputs[1]);
    }

    /// <summary>The singular values, descending; with <paramref name="isWhole"/> U, S and Vᴴ.</summary>
    public static Node[] Svd(Node a, bool isWhole)
    {
        CheckMatrix("svd", a, isComplexFine: true);
        int[] front = a.Shape[..^2];
        int m = a.Shape[^2], n = a.Shape[^1];
        mlx_dtype real = a.Type == MLX_COMPLEX64 ? MLX_FLOAT32 : a.Type;
        int[] values = [.. front, Math.Min(m, n)];
        return isWhole
            ? Operation.New(
                new SVD(isWhole), [a], [[.. front, m, m], values, [.. front, n, n]],
                [a.Type, real, a.Type]).Outputs.ToArray()
            : [Make(new SVD(isWhole), values, real, a)];
    }

    /// <summary>The inverse of square matrices.</summary>
    public static Node Inv(Node a)
    {
        CheckSquare("inv", a);
        return Make(new Inverse(isTriangle: false, isUpper: false), a.Shape, a.Type, a);
    }

    /// <summary>
    /// The inverse of one triangle of square matrices; the other one is not read, and 0 in the result.
    /// </summary>
    public static Node TriInv(Node a, bool isUpper)
    {
        CheckSquare("tri_inv", a);
        return Make(new Inverse(isTriangle: true, isUpper), a.Shape, a.Type, a);
    }

    /// <summary>L of A = L·Lᵀ, or U of A = Uᵀ·U.</summary>
    public static Node Cholesky(Node a, bool isUpper)
    {
        CheckSquare("cholesky", a);
        return Make(new Cholesky(isUpper), a.Shape, a.Type, a);
    }

    /// <summary>A⁻¹ from L of A = L·Lᵀ, or from U of A = Uᵀ·U.</summary>
    public static Node CholeskyInv(Node factor, bool isUpper)
    {
        CheckSquare("cholesky_inv", factor);
        Node inverse = TriInv(factor, isUpper), transposed = SwapAxes(inverse, -1, -2);
        return isUpper ? MatMul(inverse, transposed) : MatMul(transposed, inverse);
    }

    /// <summary>The pseudo-inverse: singular values that are 0 for this dtype stay 0.</summary>
    public static Node Pinv(Node a)
    {
        CheckMatrix("pinv", a);
        int m = a.Shape[^2], n = a.Shape[^1], k = Math.Min(m, n);
        Node[] parts = Svd(a, isWhole: true);
        Node u = SwapAxes(FirstOf(parts[0], m, k), -1, -2), v = SwapAxes(FirstOf(parts[2], k, n), -1, -2);
        Node s = ExpandDims(parts[1], -2);
        double epsilon = a.Type == MLX_FLOAT64 ? Math.Pow(2, -52) : Math.Pow(2, -23);
        Node least = Multiply(Scalar(10 * Math.Max(m, n) * epsilon, a.Type), Max(s, [s.Rank - 1], keepDims: true));
        Node inverse = Where(Greater(s, least), Reciprocal(s), Scalar(0, a.Type));
        return MatMul(Multiply(v, inverse), u);
    }

    /// <summary>Where the rows of P·A came from, L and U.</summary>
    public static Node[] Lu(Node a)
    {
        Node[] factors = Factors("lu", a);
        Drop(factors[1]);
        int m = a.Shape[^2], n = a.Shape[^1], k = Math.Min(m, n);
        Node lower = FirstOf(Tril(factors[0], -1), m, k), upper = FirstOf(Triu(factors[0], 0), k, n);
        return [factors[2], Add(lower, Eye(m, k, 0, MLX_FLOAT32)), upper];
    }

    /// <summary>L and U in one matrix, and the rows that were exchanged.</summary>
    public static (Node Factors, Node Pivots) LuFactor(Node a)
    {
        Node[] factors = Factors("lu_factor", a);
        Drop(factors[2]);
        return (factors[0], factors[1]);
    }

    /// <summary>X of A·X = B; b is a vector, or has A's rank.</summary>
    public static Node Solve(Node a, Node b)
    {
        mlx_dtype type = CheckSystem("solve", a, b);
        if (a.Type is not (MLX_FLOAT32 or MLX_FLOAT64))
            throw new ArgumentException($"[linalg::solve] The matrix is {a}; it must be float32 or float64.");
        bool isVector = b.Rank == 1;
        if (isVector ? a.Rank != 2 : a.Rank != b.Rank)
            throw new ArgumentException($"[linalg::solve] {a} and {b} have not the same number of axes.");
        (a, b) = (AsType(a, type), AsType(isVector ? ExpandDims(b, 1) : b, type));
        (a, b) = BroadcastMatrices(a, b);
        Node x = Make(Shared.Of<Solve>(), b.Shape, type, a, b);
        return isVector ? Squeeze(x, 1) : x;
    }

    /// <summary>X of T·X = B, where T is a triangle of a.</summary>
    public static Node SolveTriangular(Node a, Node b, bool isUpper)
    {
        CheckSystem("solve_triangular", a, b);
        return MatMul(TriInv(a, isUpper), b);
    }

    private static Node[] Factors(string operation, Node a)
    {
        CheckMatrix(operation, a);
        int[] front = a.Shape[..^2];
        int m = a.Shape[^2], n = a.Shape[^1];
        return Operation.New(
            Shared.Of<LUF>(), [a], [a.Shape, [.. front, Math.Min(m, n)], [.. front, m]],
            [a.Type, MLX_UINT32, MLX_UINT32]).Outputs.ToArray();
    }

    // An output that nobody wants dies: nobody would let go of it
    private static void Drop(Node output)
    {
        output.Retain();
        output.Release();
    }

    private static Node FirstOf(Node a, int rows, int columns)
    {
        int[] starts = new int[a.Rank], steps = new int[a.Rank];
        Array.Fill(steps, 1);
        return Slice(a, starts, [.. a.Shape[..^2], rows, columns], steps);
    }

    private static void CheckMatrix(string operation, Node a, bool isComplexFine = false)
    {
        bool fits = a.Type is MLX_FLOAT32 or MLX_FLOAT64 || (isComplexFine && a.Type == MLX_COMPLEX64);
        if (!fits)
        {
            string types = isComplexFine ? "float32, float64 or complex64" : "float32 or float64";
            throw new ArgumentException($"[linalg::{operation}] {a}: the dtype must be {types}.");
        }

        if (a.Rank < 2)
            throw new ArgumentException($"[linalg::{operation}] {a} has no last two axes: matrices are [.., m, n].");
    }

    private static void CheckSquare(string operation, Node a, bool isComplexFine = false)
    {
        CheckMatrix(operation, a, isComplexFine);
        if (a.Shape[^1] != a.Shape[^2])
            throw new ArgumentException($"[linalg::{operation}] The matrices of {a} are not square.");
    }

    private static mlx_dtype CheckSystem(string operation, Node a, Node b)
    {
        if (a.Rank < 2 || b.Rank < 1 || a.Shape[^1] != a.Shape[^2])
            throw new ArgumentException(
                $"[linalg::{operation}] A square matrix and at least a vector are needed, not {a} and {b}.");
        if (a.Shape[^1] != b.Shape[b.Rank > 1 ? ^2 : ^1])
            throw new ArgumentException($"[linalg::{operation}] {a} and {b} do not go together.");
        mlx_dtype type = DTypes.Promote(a.Type, b.Type);
        return type is MLX_FLOAT32 or MLX_FLOAT64 ? type : throw new ArgumentException(
            $"[linalg::{operation}] {a} and {b} meet in {type.Name()}; it must be float32 or float64.");
    }
}
