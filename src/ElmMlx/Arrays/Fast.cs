using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>Operations of transformers that MLX computes in one step.</summary>
public static unsafe class Fast
{
    /// <summary><c>x / √(mean(x²) + eps) · weight</c> along the last axis, accumulated in float32.</summary>
    /// <param name="x">[…, D]</param>
    /// <param name="weight">[D]; none: not scaled.</param>
    /// <param name="eps">Added to the mean of squares.</param>
    public static MlxArray RmsNorm(MlxArray x, MlxArray? weight, float eps)
    {
        mlx_stream stream = ArrayThread.Current.Stream;
        MlxArray result = MlxArray.Adopt(Checked.mlx_fast_rms_norm(x.Handle, Raw(weight), eps, stream));
        Keep(x, weight);
        return result;
    }

    /// <summary>
    /// <c>(x - mean) / √(variance + eps) · weight + bias</c> along the last axis, accumulated in float32.
    /// </summary>
    /// <param name="x">[…, D]</param>
    /// <param name="weight">[D]; none: not scaled.</param>
    /// <param name="bias">[D]; none: not shifted.</param>
    /// <param name="eps">Added to the variance.</param>
    public static MlxArray LayerNorm(MlxArray x, MlxArray? weight, MlxArray? bias, float eps)
    {
        mlx_stream stream = ArrayThread.Current.Stream;
        MlxArray result = MlxArray.Adopt(Checked.mlx_fast_layer_norm(x.Handle, Raw(weight), Raw(bias), eps, stream));
        Keep(x, weight, bias);
        return result;
    }

    /// <summary>Rotary position encoding of the first <paramref name="dims"/> features.</summary>
    /// <param name="x">[…, L, D]</param>
    /// <param name="dims">How many features are rotated.</param>
    /// <param name="traditional">Pairs of neighbours, not of halves.</param>
    /// <param name="base">The base of the frequencies; null where <paramref name="frequencies"/> are given.</param>
    /// <param name="scale">Positions are multiplied by it.</param>
    /// <param name="offset">The position of the first element.</param>
    /// <param name="frequencies">[dims / 2], instead of a base.</param>
    public static MlxArray Rope(
        MlxArray x,
        int dims,
        bool traditional = false,
        float? @base = 10000,
        float scale = 1,
        int offset = 0,
        MlxArray? frequencies = null)
    {
        mlx_stream stream = ArrayThread.Current.Stream;
        MlxArray result = MlxArray.Adopt(Checked.mlx_fast_rope(
            x.Handle, dims, traditional, Base(@base, frequencies), scale, offset, Raw(frequencies), stream));
        Keep(x, frequencies);
        return result;
    }

    /// <summary>Rotary position encoding whose offset is an array: a scalar, or one for each batch row.</summary>
    /// <inheritdoc cref="Rope(MlxArray, int, bool, float?, float, int, MlxArray?)"/>
    public static MlxArray Rope(
        MlxArray x,
        int dims,
        bool traditional,
        float? @base,
        float scale,
        MlxArray offset,
        MlxArray? frequencies = null)
    {
        mlx_stream stream = ArrayThread.Current.Stream;
        MlxArray result = MlxArray.Adopt(Checked.mlx_fast_rope_dynamic(
            x.Handle, dims, traditional, Base(@base, frequencies), scale, offset.Handle, Raw(frequencies), stream));
        Keep(x, offset, frequencies);
        return result;
    }

    /// <summary>
    /// <c>softmax(scale · q kᵀ + mask) v</c>; H is a multiple of G, and G keys and values serve H queries.
    /// </summary>
    /// <param name="q">[B, H, L, K]</param>
    /// <param name="k">[B, G, S, K]</param>
    /// <param name="v">[B, G, S, V]</param>
    /// <param name="scale">Usually 1 / √K.</param>
    /// <param name="mask">Which keys a query sees.</param>
    /// <param name="sinks">[H]: a score that takes part in each softmax and has no value.</param>
    /// <returns>[B, H, L, V], in the dtype of q.</returns>
    /// <exception cref="MlxException">The mask's dtype is wider than that of the result.</exception>
    public static MlxArray ScaledDotProductAttention(
        MlxArray q, MlxArray k, MlxArray v, float scale, AttentionMask mask = default, MlxArray? sinks = null)
    {
        CheckMask(q, k, v, mask.Array);
        mlx_stream stream = ArrayThread.Current.Stream;
        fixed (byte* mode = mask.IsCausal ? "causal\0"u8 : mask.Array is null ? "\0"u8 : "array\0"u8)
        {
            MlxArray result = MlxArray.Adopt(Checked.mlx_fast_scaled_dot_product_attention(
                q.Handle, k.Handle, v.Handle, scale, mode, Raw(mask.Array), Raw(sinks), stream));
            Keep(q, k, v);
            Keep(mask.Array, sinks);
            return result;
        }
    }

    // An additive mask must not make the scores wider than the result: float32 beside bfloat16 queries.
    private static void CheckMask(MlxArray q, MlxArray k, MlxArray v, MlxArray? mask)
    {
        if (mask is null || !mask.DType.IsFloating() || mask.DType == q.DType || mask.DType.Size() < q.DType.Size())
            return;
        if (q.DType == k.DType && k.DType == v.DType)
        {
            throw new MlxException(
                "fast_scaled_dot_product_attention",
                $"the mask has to be bool or {q.DType.Name()}: cast it",
                q.Describe(),
                k.Describe(),
                v.Describe(),
                mask.Describe());
        }
    }

    private static mlx_optional_float Base(float? @base, MlxArray? frequencies) =>
        Optional.Of(frequencies is null ? @base : null);

    private static mlx_array Raw(MlxArray? array) => array is null ? default : array.Handle;

    private static void Keep(MlxArray? a, MlxArray? b, MlxArray? c = null)
    {
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(c);
    }
}
