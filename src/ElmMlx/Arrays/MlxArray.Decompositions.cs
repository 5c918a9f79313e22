using ElmMlx.Bindings;

namespace ElmMlx;

// Matrices as products of simpler ones. MLX computes them on the CPU only.
public sealed unsafe partial class MlxArray
{
    /// <summary>Q with orthogonal columns and R that is zero below the diagonal: this matrix is <c>Q · R</c>.</summary>
    /// <returns>For [M, N] and K the smaller of both: [M, K] and [K, N].</returns>
    /// <exception cref="MlxException">Not a matrix of float32 or float64, or the stream is a GPU's.</exception>
    public (MlxArray Q, MlxArray R) Qr()
    {
        mlx_array q = default, r = default;
        Checked.mlx_linalg_qr(&q, &r, Handle, Stream);
        GC.KeepAlive(this);
        return (Adopt(q), Adopt(r));
    }
}
