using ElmMlx.Bindings;

namespace ElmMlx;

// Products of parts of matrices, windows, and arrays of a likeness.
public sealed unsafe partial class MlxArray
{
    /// <summary>Products of ranges of the inner axis: for each <c>a[:, from..to] · b[from..to, :]</c>.</summary>
    /// <param name="b">[K, N], beside this [M, K].</param>
    /// <param name="segments">[…, 2], integers: from and to.</param>
    /// <returns>[…, M, N]</returns>
    /// <exception cref="MlxException">The shapes do not go together.</exception>
    public MlxArray SegmentedMm(MlxArray b, MlxArray segments) =>
        New(Checked.mlx_segmented_mm(Handle, b.Handle, segments.Handle, Stream), this, b, segments);

    /// <summary>The matrix product in which blocks of the result or of the factors are masked.</summary>
    /// <param name="b">[…, K, N], beside this […, M, K].</param>
    /// <param name="blockSize">32 or 64.</param>
    /// <param name="outputMask">[…, M / block, N / block]; none: all blocks.</param>
    /// <param name="leftMask">[…, M / block, K / block]; none: all blocks.</param>
    /// <param name="rightMask">[…, K / block, N / block]; none: all blocks.</param>
    /// <returns>[…, M, N]</returns>
    /// <exception cref="MlxException">The shapes do not go together, or the block has another size.</exception>
    public MlxArray BlockMaskedMm(
        MlxArray b, int blockSize = 64, MlxArray? outputMask = null, MlxArray? leftMask = null,
        MlxArray? rightMask = null)
    {
        MlxArray result = New(
            Checked.mlx_block_masked_mm(
                Handle, b.Handle, blockSize, outputMask?.Handle ?? default, leftMask?.Handle ?? default,
                rightMask?.Handle ?? default, Stream),
            this,
            b,
            outputMask);
        GC.KeepAlive(leftMask);
        GC.KeepAlive(rightMask);
        return result;
    }

    /// <summary>One value everywhere, in the shape of <paramref name="like"/>.</summary>
    /// <param name="like">Gives the shape.</param>
    /// <param name="value">A number or an array that broadcasts.</param>
    /// <param name="dtype">That of <paramref name="like"/> unless told.</param>
    public static MlxArray FullLike(MlxArray like, Operand value, DType? dtype = null)
    {
        MlxArray values = value.Resolve(like);
        MlxArray result = New(
            Checked.mlx_full_like(like.Handle, values.Handle, (mlx_dtype)(dtype ?? like.DType), Stream), like, values);
        value.Free(values);
        return result;
    }

    /// <summary>Bartlett's window, a triangle: [count] float32.</summary>
    public static MlxArray Bartlett(int count) => Adopt(Checked.mlx_bartlett(count, Stream));

    /// <summary>Blackman's window: [count] float32.</summary>
    public static MlxArray Blackman(int count) => Adopt(Checked.mlx_blackman(count, Stream));

    /// <summary>Hamming's window: [count] float32.</summary>
    public static MlxArray Hamming(int count) => Adopt(Checked.mlx_hamming(count, Stream));

    /// <summary>Hann's window: [count] float32.</summary>
    public static MlxArray Hanning(int count) => Adopt(Checked.mlx_hanning(count, Stream));

    /// <summary>The elements moved along the flattened array, the last ones to the front; the shape stays.</summary>
    public MlxArray Roll(int shift) => Moved(Checked.mlx_roll(Handle, &shift, 1, Stream));
}
