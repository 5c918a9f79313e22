using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>Linear algebra. Leading axes are batches.</summary>
/// <remarks>
/// All but the norms and the cross product compute on a CPU only, also with MLX: on a machine with a GPU open
/// <c>using (MlxDevice.Cpu.Use())</c> around them. They take float32 and float64.
/// </remarks>
public static unsafe partial class Linalg
{
    /// <summary>The lower triangular L with <c>L · Lᵀ = a</c>, or the upper one with <c>Uᵀ · U = a</c>.</summary>
    /// <param name="a">[…, N, N], symmetric and positive definite.</param>
    /// <param name="upper">Whether the factor is upper triangular.</param>
    /// <returns>[…, N, N]</returns>
    /// <exception cref="MlxException">Not square, not floating, or not positive definite.</exception>
    public static MlxArray Cholesky(MlxArray a, bool upper = false) =>
        New(Checked.mlx_linalg_cholesky(a.Handle, upper, Stream), a);

    /// <summary>The inverse of the matrix whose Cholesky factor is given.</summary>
    /// <param name="factor">[…, N, N], what <see cref="Cholesky"/> gave.</param>
    /// <param name="upper">Whether the factor is upper triangular.</param>
    /// <returns>[…, N, N]</returns>
    /// <exception cref="MlxException">Not square, or not floating.</exception>
    public static MlxArray CholeskyInv(MlxArray factor, bool upper = false) =>
        New(Checked.mlx_linalg_cholesky_inv(factor.Handle, upper, Stream), factor);

    /// <summary>The cross product of vectors of 2 or 3 elements.</summary>
    /// <param name="a">[…, 3] or […, 2]</param>
    /// <param name="b">The same; leading axes broadcast.</param>
    /// <param name="axis">The axis of the vectors.</param>
    /// <returns>[…, 3]</returns>
    /// <exception cref="MlxException">The axis has another size.</exception>
    public static MlxArray Cross(MlxArray a, MlxArray b, int axis = -1) =>
        New(Checked.mlx_linalg_cross(a.Handle, b.Handle, axis, Stream), a, b);

    /// <summary>Eigenvalues and eigenvectors of any square matrix.</summary>
    /// <param name="a">[…, N, N]</param>
    /// <returns>[…, N] complex64 and […, N, N] complex64, whose columns are the vectors.</returns>
    /// <exception cref="MlxException">Not square, or not floating.</exception>
    public static (MlxArray Values, MlxArray Vectors) Eig(MlxArray a)
    {
        mlx_array values = default, vectors = default;
        Checked.mlx_linalg_eig(&values, &vectors, a.Handle, Stream);
        GC.KeepAlive(a);
        return (MlxArray.Adopt(values), MlxArray.Adopt(vectors));
    }

    /// <summary>The eigenvalues of any square matrix: […, N] complex64.</summary>
    /// <param name="a">[…, N, N]</param>
    /// <exception cref="MlxException">Not square, or not floating.</exception>
    public static MlxArray EigVals(MlxArray a) => New(Checked.mlx_linalg_eigvals(a.Handle, Stream), a);

    /// <summary>Eigenvalues, ascending, and eigenvectors of a symmetric or Hermitian matrix.</summary>
    /// <param name="a">[…, N, N]; one triangle is read.</param>
    /// <param name="upper">Which triangle.</param>
    /// <returns>[…, N], real, and […, N, N], whose columns are the vectors.</returns>
    /// <exception cref="MlxException">Not square, or not floating.</exception>
    public static (MlxArray Values, MlxArray Vectors) Eigh(MlxArray a, bool upper = false)
    {
        mlx_array values = default, vectors = default;
        mlx_stream stream = Stream;
        fixed (byte* triangle = Triangle(upper))
            Checked.mlx_linalg_eigh(&values, &vectors, a.Handle, triangle, stream);
        GC.KeepAlive(a);
        return (MlxArray.Adopt(values), MlxArray.Adopt(vectors));
    }

    /// <summary>The eigenvalues of a symmetric or Hermitian matrix, ascending: […, N], real.</summary>
    /// <param name="a">[…, N, N]; one triangle is read.</param>
    /// <param name="upper">Which triangle.</param>
    /// <exception cref="MlxException">Not square, or not floating.</exception>
    public static MlxArray EigValsh(MlxArray a, bool upper = false)
    {
        mlx_stream stream = Stream;
        fixed (byte* triangle = Triangle(upper))
            return New(Checked.mlx_linalg_eigvalsh(a.Handle, triangle, stream), a);
    }

    /// <summary>Row order, L and U with <c>a = L · U</c> after its rows are put in that order.</summary>
    /// <param name="a">[…, M, N]; K is the smaller of M and N.</param>
    /// <returns>[…, M] uint32, […, M, K] with ones on the diagonal, and […, K, N].</returns>
    /// <exception cref="MlxException">No matrix, or not floating.</exception>
    public static (MlxArray Rows, MlxArray Lower, MlxArray Upper) Lu(MlxArray a)
    {
        (MlxArray rows, MlxArray lower, MlxArray? upper) =
            ArrayVector.TakeThree(Checked.mlx_linalg_lu(a.Handle, Stream));
        GC.KeepAlive(a);
        return (rows, lower, upper!);
    }

    /// <summary>L and U in one matrix, and with which row each was exchanged.</summary>
    /// <param name="a">[…, M, N]; K is the smaller of M and N.</param>
    /// <returns>[…, M, N], and […, K] uint32.</returns>
    /// <exception cref="MlxException">No matrix, or not floating.</exception>
    public static (MlxArray Factors, MlxArray Pivots) LuFactor(MlxArray a)
    {
        mlx_array factors = default, pivots = default;
        Checked.mlx_linalg_lu_factor(&factors, &pivots, a.Handle, Stream);
        GC.KeepAlive(a);
        return (MlxArray.Adopt(factors), MlxArray.Adopt(pivots));
    }

    /// <inheritdoc cref="MlxArray.Qr"/>
    /// <param name="a">[…, M, N]</param>
    public static (MlxArray Q, MlxArray R) Qr(MlxArray a) => a.Qr();

    /// <summary>U, the singular values, descending, and Vᵀ: <c>a = U · diag(S) · Vᵀ</c>.</summary>
    /// <param name="a">[…, M, N]; K is the smaller of M and N.</param>
    /// <returns>[…, M, M], […, K] and […, N, N].</returns>
    /// <exception cref="MlxException">No matrix, or not floating.</exception>
    public static (MlxArray U, MlxArray S, MlxArray Vt) Svd(MlxArray a)
    {
        (MlxArray u, MlxArray s, MlxArray? vt) =
            ArrayVector.TakeThree(Checked.mlx_linalg_svd(a.Handle, compute_uv: true, Stream));
        GC.KeepAlive(a);
        return (u, s, vt!);
    }

    /// <summary>The singular values, descending: […, K].</summary>
    /// <param name="a">[…, M, N]; K is the smaller of M and N.</param>
    /// <exception cref="MlxException">No matrix, or not floating.</exception>
    public static MlxArray SingularValues(MlxArray a)
    {
        MlxArray[] values = ArrayVector.Take(Checked.mlx_linalg_svd(a.Handle, compute_uv: false, Stream));
        GC.KeepAlive(a);
        return values[0];
    }

    private static mlx_stream Stream => ArrayThread.Current.Stream;

    private static ReadOnlySpan<byte> Triangle(bool upper) => upper ? "U\0"u8 : "L\0"u8;

    private static MlxArray New(mlx_array result, MlxArray a, MlxArray? b = null)
    {
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        return MlxArray.Adopt(result);
    }
}
