using System.Runtime.CompilerServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Attention in blocks with a running softmax: no matrix of all scores is ever kept. All query heads that share a key
/// head go through together, so keys and values are read once for them.
/// </summary>
/// <remarks>
/// A hidden score counts as <see cref="Hidden"/>, not −∞: a row that sees nothing then averages all values, as in MLX.
/// </remarks>
internal static unsafe partial class AttentionKernels
{
    /// <summary>The score of what a boolean or causal mask hides.</summary>
    private const float Hidden = float.MinValue;

    /// <summary>Up to so many rows of queries a group, keys are read straight from memory.</summary>
    private const int FewRows = 8;

    public static void Run(in AttentionArguments arguments)
    {
        if (arguments.B == 0 || arguments.H == 0 || arguments.Lq == 0)
            return;
        switch (arguments.Type)
        {
            case mlx_dtype.MLX_FLOAT32:
                Simd.Run<Kernel<Float32Format>, AttentionArguments>(arguments);
                break;
            case mlx_dtype.MLX_BFLOAT16:
                Simd.Run<Kernel<BFloat16Format>, AttentionArguments>(arguments);
                break;
            case mlx_dtype.MLX_FLOAT16:
                Simd.Run<Kernel<Float16Format>, AttentionArguments>(arguments);
                break;
            default:
                throw new ArgumentException(
                    "[scaled_dot_product_attention] Only float32, float16 and bfloat16 are supported.");
        }
    }

    /// <summary>The naive twin: all scores of a row at once, in float64; float32 arrays only.</summary>
    public static void RunNaive(in AttentionArguments a)
    {
        var scores = new double[a.Lk];
        for (long row = 0; row < (long)a.B * a.H * a.Lq; row++)
        {
            int b = (int)(row / a.Lq / a.H), h = (int)(row / a.Lq % a.H), i = (int)(row % a.Lq);
            float* q = (float*)a.Q + b * a.QBatch + h * a.QHead + i * a.QRow;
            double largest = a.Sinks is null ? double.NegativeInfinity : a.Sinks[h], sum = 0;
            for (int j = 0; j < a.Lk; j++)
            {
                float* k = (float*)a.K + b * a.KBatch + h / a.HeadsPerGroup * a.KHead + j * a.KRow;
                double score = 0;
                for (int d = 0; d < a.D; d++)
                    score += (double)q[d] * k[d];
                scores[j] = Masked<Float32Format>(a, b, h, i, j, (float)(score * a.Scale));
                largest = Math.Max(largest, scores[j]);
            }

            for (int j = 0; j < a.Lk; j++)
                sum += scores[j] = Math.Exp(scores[j] - largest);
            if (a.Sinks is not null)
                sum += Math.Exp(a.Sinks[h] - largest);
            for (int d = 0; d < a.Dv; d++)
            {
                double value = 0;
                for (int j = 0; j < a.Lk; j++)
                    value += scores[j] * ((float*)a.V)[b * a.VBatch + h / a.HeadsPerGroup * a.VHead + j * a.VRow + d];
                ((float*)a.Y)[row * a.Dv + d] = (float)(value / sum);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Masked<F>(in AttentionArguments a, int b, int h, int i, int j, float score)
        where F : struct, IFloatFormat
    {
        if (a.MaskKind == AttentionMask.None)
            return score;
        if (a.MaskKind == AttentionMask.Causal)
            return j <= i + (a.Lk - a.Lq) ? score : Hidden;
        long at = b * a.MaskBatch + h * a.MaskHead + i * a.MaskRow + j * a.MaskColumn;
        if (a.MaskKind == AttentionMask.Boolean)
            return ((byte*)a.Mask)[at] != 0 ? score : Hidden;
        return score + F.Load<SimdScalar, float>(a.Mask, at);
    }

    /// <summary>Masks the scores of one query against keys <paramref name="first"/> and following.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MaskRow<F>(in AttentionArguments a, int b, int h, int i, int first, int n, float* scores)
        where F : struct, IFloatFormat
    {
        if (a.MaskKind == AttentionMask.None)
            return;
        if (a.MaskKind == AttentionMask.Causal)
        {
            int visible = Math.Clamp(i + (a.Lk - a.Lq) + 1 - first, 0, n);
            new Span<float>(scores + visible, n - visible).Fill(Hidden);
            return;
        }

        for (int j = 0; j < n; j++)
            scores[j] = Masked<F>(a, b, h, i, first + j, scores[j]);
    }

    /// <summary>scores := exp(scores − largest); the sum of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float ExpAndSum<L, V>(float* scores, int n, float largest)
        where L : struct, ISimd<V>
        where V : struct
    {
        V sum = default, subtrahend = L.Create(largest);
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
        {
            V value = L.Exp(L.Subtract(L.Load(scores + i), subtrahend));
            L.Store(value, scores + i);
            sum = L.Add(sum, value);
        }

        float result = L.Sum(sum);
        for (; i < n; i++)
            result += scores[i] = MathF.Exp(scores[i] - largest);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Largest<L, V>(float* scores, int n)
        where L : struct, ISimd<V>
        where V : struct
    {
        V largest = L.Create(float.NegativeInfinity);
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
            largest = L.Max(largest, L.Load(scores + i));
        float result = L.Largest(largest);
        for (; i < n; i++)
            result = MathF.Max(result, scores[i]);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<L, V>(float* values, int n, float factor)
        where L : struct, ISimd<V>
        where V : struct
    {
        V factors = L.Create(factor);
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
            L.Store(L.Multiply(L.Load(values + i), factors), values + i);
        for (; i < n; i++)
            values[i] *= factor;
    }

    /// <summary>to := from · factor in the arrays' format.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreScaled<L, V, F>(float* from, int n, float factor, byte* to)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        V factors = L.Create(factor);
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
            F.Store<L, V>(L.Multiply(L.Load(from + i), factors), to, i);
        for (; i < n; i++)
            F.Store<SimdScalar, float>(from[i] * factor, to, i);
    }

    private readonly struct Kernel<F> : ISimdKernel<AttentionArguments>
        where F : struct, IFloatFormat
    {
        public static void Run<L, V>(in AttentionArguments arguments)
            where L : struct, ISimd<V>
            where V : struct
        {
            AttentionArguments a = arguments;
            if ((long)a.HeadsPerGroup * a.Lq <= FewRows)
                RunFewRows<L, V, F>(&a);
            else
                RunBlocks<L, V, F>(&a);
        }
    }
}
