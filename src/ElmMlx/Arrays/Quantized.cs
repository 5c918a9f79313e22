using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>Matrices of few bits: groups of a row share a scale and, in mode affine, a bias.</summary>
public static unsafe partial class Quantized
{
    /// <summary>Quantises the last axis.</summary>
    /// <param name="w">[…, D], floating; D is a multiple of the group size.</param>
    /// <param name="groupSize">Elements that share a scale: 32, 64 or 128.</param>
    /// <param name="bits">Bits of an element: 2, 3, 4, 5, 6 or 8.</param>
    /// <param name="mode"><c>affine</c>, <c>mxfp4</c>, <c>mxfp8</c> or <c>nvfp4</c>.</param>
    /// <returns>[…, D · bits / 32] uint32, and [… , D / groupSize] scales and (affine only) biases.</returns>
    public static (MlxArray Weight, MlxArray Scales, MlxArray? Biases) Quantize(
        MlxArray w, int? groupSize = 64, int? bits = 4, string mode = "affine")
    {
        mlx_stream stream = ArrayThread.Current.Stream;
        fixed (byte* name = Mode(mode))
        {
            mlx_vector_array parts = Checked.mlx_quantize(
                w.Handle, Optional.Of(groupSize), Optional.Of(bits), name, default, stream);
            GC.KeepAlive(w);
            return ArrayVector.TakeThree(parts);
        }
    }

    /// <summary>The floating matrix again, in the dtype of the scales unless told.</summary>
    public static MlxArray Dequantize(
        MlxArray w,
        MlxArray scales,
        MlxArray? biases,
        int? groupSize = 64,
        int? bits = 4,
        string mode = "affine",
        DType? dtype = null)
    {
        mlx_stream stream = ArrayThread.Current.Stream;
        fixed (byte* name = Mode(mode))
        {
            MlxArray result = MlxArray.Adopt(Checked.mlx_dequantize(
                w.Handle,
                scales.Handle,
                Raw(biases),
                Optional.Of(groupSize),
                Optional.Of(bits),
                name,
                default,
                Optional.Of(dtype),
                stream));
            Keep(w, scales, biases);
            return result;
        }
    }

    /// <summary><c>x · wᵀ</c>, or <c>x · w</c> without <paramref name="transpose"/>, for a quantised w.</summary>
    /// <param name="x">[…, M, K]</param>
    /// <param name="w">[N, K · bits / 32] uint32</param>
    /// <param name="scales">[N, K / groupSize]</param>
    /// <param name="biases">[N, K / groupSize] in mode affine, else null.</param>
    /// <param name="transpose">Whether rows of w are outputs.</param>
    /// <param name="groupSize">Elements that share a scale.</param>
    /// <param name="bits">Bits of an element.</param>
    /// <param name="mode"><c>affine</c>, <c>mxfp4</c>, <c>mxfp8</c> or <c>nvfp4</c>.</param>
    public static MlxArray MatMul(
        MlxArray x,
        MlxArray w,
        MlxArray scales,
        MlxArray? biases,
        bool transpose = true,
        int? groupSize = 64,
        int? bits = 4,
        string mode = "affine")
    {
        mlx_stream stream = ArrayThread.Current.Stream;
        fixed (byte* name = Mode(mode))
        {
            MlxArray result = MlxArray.Adopt(Checked.mlx_quantized_matmul(
                x.Handle,
                w.Handle,
                scales.Handle,
                Raw(biases),
                transpose,
                Optional.Of(groupSize),
                Optional.Of(bits),
                name,
                stream));
            Keep(x, w, scales);
            GC.KeepAlive(biases);
            return result;
        }
    }

    // Text that a file may hold never goes to native code: only these four words do.
    private static ReadOnlySpan<byte> Mode(string mode) => mode switch
    {
        "affine" => "affine\0"u8,
        "mxfp4" => "mxfp4\0"u8,
        "mxfp8" => "mxfp8\0"u8,
        "nvfp4" => "nvfp4\0"u8,
        _ => throw new ArgumentException($"there is no quantisation '{mode}': use affine, mxfp4, mxfp8 or nvfp4"),
    };

    private static mlx_array Raw(MlxArray? array) => array is null ? default : array.Handle;

    private static void Keep(MlxArray a, MlxArray b, MlxArray? c)
    {
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(c);
    }
}
