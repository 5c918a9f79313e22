using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;
using KernelMask = ElmMlx.Cpu.Kernels.AttentionMask;

namespace ElmMlx.Tests;

/// <summary>Attentions for kernels' tests, with every kind of mask, and with sinks.</summary>
internal static unsafe class AttentionCase
{
    /// <summary>How many kinds there are: the masks, and two of them with sinks.</summary>
    public const int Kinds = 6;

    /// <param name="memory">Holds the numbers.</param>
    /// <param name="shape">As in <see cref="AttentionArguments"/>.</param>
    /// <param name="kind">From 0, below <see cref="Kinds"/>.</param>
    /// <param name="type">float32, float16 or bfloat16.</param>
    public static AttentionArguments Create(
        KernelMemory memory, (int B, int H, int G, int Lq, int Lk, int D, int Dv) shape, int kind, mlx_dtype type)
    {
        (int b, int h, int g, int lq, int lk, int d, int dv) = shape;
        var a = new AttentionArguments
        {
            B = b,
            H = h,
            G = g,
            Lq = lq,
            Lk = lk,
            D = d,
            Dv = dv,
            Type = type,
            Scale = 0.3f,
            // Queries are [B, Lq, H, D] in memory; keys lie in a larger cache.
            Q = memory.Numbers((long)b * h * lq * d, type),
            QBatch = (long)h * lq * d,
            QHead = d,
            QRow = (long)h * d,
            K = memory.Numbers((long)b * g * (lk + 5) * d, type),
            KBatch = (long)g * (lk + 5) * d,
            KHead = (lk + 5L) * d,
            KRow = d,
            V = memory.Numbers((long)b * g * (lk + 5) * dv, type),
            VBatch = (long)g * (lk + 5) * dv,
            VHead = (lk + 5L) * dv,
            VRow = dv,
            MaskKind = (KernelMask)(kind % 4),
        };
        if (kind >= 4)
            a.Sinks = (float*)memory.Numbers(h, MLX_FLOAT32);
        long nScores = (long)lq * lk;
        if (a.MaskKind is KernelMask.Boolean or KernelMask.Additive)
        {
            a.Mask = a.MaskKind == KernelMask.Boolean ? memory.Bytes(nScores, limit: 2) : memory.Numbers(nScores, type);
            (a.MaskRow, a.MaskColumn) = (lk, 1);    // the same for every head
            for (int j = 0; j < lk && a.MaskKind == KernelMask.Boolean; j++)
                ((byte*)a.Mask)[j] = 0;     // the first query sees nothing: the mean of V
            if (a.MaskKind == KernelMask.Additive && lk > 1)
                KernelMemory.Store(a.Mask, 1, float.NegativeInfinity, type);
        }

        return a;
    }
}
