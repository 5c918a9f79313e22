using System.Text;
using ElmMlx.Bindings;

namespace ElmMlx;

// Products of vectors and matrices.
public sealed unsafe partial class MlxArray
{
    /// <summary>The matrix product: <c>[…, M, K] · […, K, N] → […, M, N]</c>; leading axes broadcast.</summary>
    public MlxArray MatMul(MlxArray b) => Binary(&Checked.mlx_matmul, this, b);

    /// <summary><c>beta · this + alpha · (a · b)</c>.</summary>
    public MlxArray AddMm(MlxArray a, MlxArray b, float alpha = 1, float beta = 1) =>
        New(Checked.mlx_addmm(Handle, a.Handle, b.Handle, alpha, beta, Stream), this, a, b);

    /// <summary>Products of pairs of matrices that indices pick from the leading axes of both.</summary>
    public MlxArray GatherMm(
        MlxArray b, MlxArray? leftIndices = null, MlxArray? rightIndices = null, bool sortedIndices = false)
    {
        MlxArray result = New(
            Checked.mlx_gather_mm(
                Handle, b.Handle, leftIndices?.Handle ?? default, rightIndices?.Handle ?? default, sortedIndices,
                Stream),
            this,
            b,
            leftIndices);
        GC.KeepAlive(rightIndices);
        return result;
    }

    /// <summary>The sum of products along the last axes: <c>[…, K] · […, K]</c>.</summary>
    public MlxArray Inner(MlxArray b) => Binary(&Checked.mlx_inner, this, b);

    /// <summary>Every element times every element: <c>[M] × [N] → [M, N]</c>.</summary>
    public MlxArray Outer(MlxArray b) => Binary(&Checked.mlx_outer, this, b);

    /// <summary>The Kronecker product.</summary>
    public MlxArray Kron(MlxArray b) => Binary(&Checked.mlx_kron, this, b);

    /// <summary>Sums of products along <paramref name="axes"/> last axes of this and as many first ones of b.</summary>
    public MlxArray TensorDot(MlxArray b, int axes = 2) =>
        New(Checked.mlx_tensordot_axis(Handle, b.Handle, axes, Stream), this, b);

    /// <summary>Sums of products along axes of both.</summary>
    public MlxArray TensorDot(MlxArray b, ReadOnlySpan<int> axes, ReadOnlySpan<int> axesOfB)
    {
        mlx_stream stream = Stream;
        fixed (int* a = axes)
        fixed (int* c = axesOfB)
            return New(Checked.mlx_tensordot(
                Handle, b.Handle, a, (nuint)axes.Length, c, (nuint)axesOfB.Length, stream), this, b);
    }

    /// <summary>Einstein's sum: <c>"ij,jk->ik"</c>.</summary>
    /// <exception cref="ArgumentException">The subscripts have other characters than letters, <c>, - > . </c>
    /// and blanks.</exception>
    public static MlxArray Einsum(string subscripts, params ReadOnlySpan<MlxArray> operands)
    {
        ArgumentNullException.ThrowIfNull(subscripts);
        if (subscripts.Any(c => !char.IsAsciiLetter(c) && !",->. ".Contains(c)))
            throw new ArgumentException($"'{subscripts}' is no list of subscripts: write them as in ij,jk->ik");
        mlx_stream stream = Stream;
        using ArrayVector vector = new(operands);
        fixed (byte* text = Encoding.ASCII.GetBytes(subscripts + '\0'))
            return Adopt(Checked.mlx_einsum(text, vector.Handle, stream));
    }

    /// <summary>Zeros above the <paramref name="k"/>-th diagonal of the last two axes.</summary>
    public MlxArray Tril(int k = 0) => New(Checked.mlx_tril(Handle, k, Stream), this);

    /// <summary>Zeros below the <paramref name="k"/>-th diagonal of the last two axes.</summary>
    public MlxArray Triu(int k = 0) => New(Checked.mlx_triu(Handle, k, Stream), this);

    /// <summary>A matrix with this vector on its diagonal, or the diagonal of this matrix.</summary>
    public MlxArray Diag(int k = 0) => New(Checked.mlx_diag(Handle, k, Stream), this);

    /// <summary>The diagonal of two axes, as a new last axis.</summary>
    public MlxArray Diagonal(int offset = 0, int axis1 = 0, int axis2 = 1) =>
        New(Checked.mlx_diagonal(Handle, offset, axis1, axis2, Stream), this);

    /// <summary>The sum of the diagonal of two axes.</summary>
    public MlxArray Trace(int offset = 0, int axis1 = 0, int axis2 = 1) =>
        New(Checked.mlx_trace(Handle, offset, axis1, axis2, (mlx_dtype)DType, Stream), this);

    /// <summary>
    /// The Hadamard transform along the last axis, times <paramref name="scale"/> (1 / √n unless told).
    /// </summary>
    public MlxArray HadamardTransform(float? scale = null) =>
        New(Checked.mlx_hadamard_transform(Handle, Optional.Of(scale), Stream), this);
}
