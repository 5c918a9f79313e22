using ElmMlx.Bindings;

namespace ElmMlx;

// Inverses, systems of equations and norms.
public static unsafe partial class Linalg
{
    /// <summary>The inverse: […, N, N].</summary>
    /// <param name="a">[…, N, N]</param>
    /// <exception cref="MlxException">Not square, not floating, or singular.</exception>
    public static MlxArray Inv(MlxArray a) => New(Checked.mlx_linalg_inv(a.Handle, Stream), a);

    /// <summary>The inverse of a triangular matrix: […, N, N].</summary>
    /// <param name="a">[…, N, N]</param>
    /// <param name="upper">Whether it is upper triangular.</param>
    /// <exception cref="MlxException">Not square, not floating, or singular.</exception>
    public static MlxArray TriInv(MlxArray a, bool upper = false) =>
        New(Checked.mlx_linalg_tri_inv(a.Handle, upper, Stream), a);

    /// <summary>The pseudo-inverse of Moore and Penrose: […, N, M].</summary>
    /// <param name="a">[…, M, N]</param>
    /// <exception cref="MlxException">No matrix, or not floating.</exception>
    public static MlxArray Pinv(MlxArray a) => New(Checked.mlx_linalg_pinv(a.Handle, Stream), a);

    /// <summary>x with <c>a · x = b</c>.</summary>
    /// <param name="a">[…, N, N]</param>
    /// <param name="b">[…, N] or […, N, K]</param>
    /// <returns>b's shape.</returns>
    /// <exception cref="MlxException">The shapes do not go together, or a is singular.</exception>
    public static MlxArray Solve(MlxArray a, MlxArray b) =>
        New(Checked.mlx_linalg_solve(a.Handle, b.Handle, Stream), a, b);

    /// <summary>x with <c>a · x = b</c> for a triangular a.</summary>
    /// <param name="a">[…, N, N]</param>
    /// <param name="b">[…, N] or […, N, K]</param>
    /// <param name="upper">Whether a is upper triangular.</param>
    /// <returns>b's shape.</returns>
    /// <exception cref="MlxException">The shapes do not go together, or a is singular.</exception>
    public static MlxArray SolveTriangular(MlxArray a, MlxArray b, bool upper = false) =>
        New(Checked.mlx_linalg_solve_triangular(a.Handle, b.Handle, upper, Stream), a, b);

    /// <summary>The 2-norm of vectors, the Frobenius norm of matrices: <c>√Σ|x|²</c>.</summary>
    /// <param name="a">Of any shape.</param>
    /// <param name="axes">Which axes are reduced; all when none.</param>
    /// <param name="keepDims">Whether the reduced axes stay, with size 1.</param>
    /// <exception cref="MlxException">There is no such axis, or an axis comes twice.</exception>
    public static MlxArray Norm(MlxArray a, ReadOnlySpan<int> axes = default, bool keepDims = false)
    {
        mlx_stream stream = Stream;
        fixed (int* list = axes)
            return New(Checked.mlx_linalg_norm_l2(a.Handle, list, (nuint)axes.Length, keepDims, stream), a);
    }

    /// <summary>
    /// A norm by its number: of vectors <c>(Σ|x|ᵒ)^(1/o)</c>, ±∞ the largest or smallest, 0 how many are not zero; of
    /// matrices (two axes) 1, 2, ∞ and their negatives.
    /// </summary>
    /// <param name="a">Of any shape.</param>
    /// <param name="ord">The number.</param>
    /// <param name="axes">One axis: vectors; two: matrices; none: all of a.</param>
    /// <param name="keepDims">Whether the reduced axes stay, with size 1.</param>
    /// <exception cref="MlxException">There is no such axis, or no such norm of matrices.</exception>
    public static MlxArray Norm(MlxArray a, double ord, ReadOnlySpan<int> axes = default, bool keepDims = false)
    {
        mlx_stream stream = Stream;
        fixed (int* list = axes)
            return New(Checked.mlx_linalg_norm(a.Handle, ord, list, (nuint)axes.Length, keepDims, stream), a);
    }

    /// <summary>A norm of matrices by its name.</summary>
    /// <param name="a">[…, M, N]</param>
    /// <param name="norm">Frobenius or nuclear.</param>
    /// <param name="axes">The two axes of the matrices; none: a is one matrix.</param>
    /// <param name="keepDims">Whether the reduced axes stay, with size 1.</param>
    /// <exception cref="MlxException">There are not two axes.</exception>
    public static MlxArray Norm(MlxArray a, MatrixNorm norm, ReadOnlySpan<int> axes = default, bool keepDims = false)
    {
        mlx_stream stream = Stream;
        fixed (byte* name = norm is MatrixNorm.Nuclear ? "nuc\0"u8 : "fro\0"u8)
        fixed (int* list = axes)
            return New(Checked.mlx_linalg_norm_matrix(a.Handle, name, list, (nuint)axes.Length, keepDims, stream), a);
    }
}
