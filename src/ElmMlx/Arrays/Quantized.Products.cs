using ElmMlx.Bindings;

namespace ElmMlx;

// Products with matrices that indices pick, and of two quantised factors.
public static unsafe partial class Quantized
{
    /// <summary>Products with quantised matrices that indices pick from the leading axes of both.</summary>
    /// <param name="x">[…, M, K]</param>
    /// <param name="w">[…, N, K · bits / 32] uint32</param>
    /// <param name="scales">[…, N, K / groupSize]</param>
    /// <param name="biases">[…, N, K / groupSize] in mode affine, else null.</param>
    /// <param name="leftIndices">Which matrices of x; none: all in order.</param>
    /// <param name="rightIndices">Which matrices of w; none: all in order.</param>
    /// <param name="transpose">Whether rows of w are outputs.</param>
    /// <param name="groupSize">Elements that share a scale.</param>
    /// <param name="bits">Bits of an element.</param>
    /// <param name="mode"><c>affine</c>, <c>mxfp4</c>, <c>mxfp8</c> or <c>nvfp4</c>.</param>
    /// <param name="sortedIndices">Whether the indices rise, which may be faster.</param>
    /// <returns>The indices' shape, then [M, N].</returns>
    /// <exception cref="MlxException">The shapes do not go together.</exception>
    public static MlxArray GatherMatMul(
        MlxArray x,
        MlxArray w,
        MlxArray scales,
        MlxArray? biases,
        MlxArray? leftIndices = null,
        MlxArray? rightIndices = null,
        bool transpose = true,
        int? groupSize = 64,
        int? bits = 4,
        string mode = "affine",
        bool sortedIndices = false)
    {
        mlx_stream stream = ArrayThread.Current.Stream;
        fixed (byte* name = Mode(mode))
        {
            MlxArray result = MlxArray.Adopt(Checked.mlx_gather_qmm(
                x.Handle,
                w.Handle,
                scales.Handle,
                Raw(biases),
                Raw(leftIndices),
                Raw(rightIndices),
                transpose,
                Optional.Of(groupSize),
                Optional.Of(bits),
                name,
                sortedIndices,
                stream));
            Keep(x, w, scales);
            GC.KeepAlive(biases);
            GC.KeepAlive(leftIndices);
            GC.KeepAlive(rightIndices);
            return result;
        }
    }

    /// <summary><c>x · wᵀ</c> with both factors quantised: x is on the way.</summary>
    /// <param name="x">[…, M, K], floating.</param>
    /// <param name="w">[N, K · bits / 32] uint32, or floating [N, K], which is quantised too.</param>
    /// <param name="scales">[N, K / groupSize] uint8; none where w is floating.</param>
    /// <param name="groupSize">Elements that share a scale: 16 (nvfp4) or 32 (mxfp8).</param>
    /// <param name="bits">Bits of an element: 4 or 8.</param>
    /// <param name="mode"><c>nvfp4</c> or <c>mxfp8</c>.</param>
    /// <param name="globalScaleX">A scalar that all of x is scaled with, in mode nvfp4.</param>
    /// <param name="globalScaleW">A scalar that all of w is scaled with, in mode nvfp4.</param>
    /// <returns>[…, M, N], in x's dtype.</returns>
    /// <exception cref="MlxException">The mode is another, or the shapes do not go together.</exception>
    public static MlxArray QuantizedMatMul(
        MlxArray x,
        MlxArray w,
        MlxArray? scales = null,
        int? groupSize = null,
        int? bits = null,
        string mode = "nvfp4",
        MlxArray? globalScaleX = null,
        MlxArray? globalScaleW = null)
    {
        mlx_stream stream = ArrayThread.Current.Stream;
        fixed (byte* name = Mode(mode))
        {
            MlxArray result = MlxArray.Adopt(Checked.mlx_qqmm(
                x.Handle,
                w.Handle,
                Raw(scales),
                Optional.Of(groupSize),
                Optional.Of(bits),
                name,
                Raw(globalScaleX),
                Raw(globalScaleW),
                stream));
            Keep(x, w, scales);
            GC.KeepAlive(globalScaleX);
            GC.KeepAlive(globalScaleW);
            return result;
        }
    }
}
