using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>What masks an attention.</summary>
internal enum AttentionMask
{
    None,

    /// <summary>Query i sees the keys up to i + (keys − queries).</summary>
    Causal,

    /// <summary>A byte a score: 0 hides it.</summary>
    Boolean,

    /// <summary>A number, of the arrays' dtype, that is added to each score.</summary>
    Additive,
}

/// <summary>
/// softmax(scale · Q·Kᵀ + mask)·V. Q is [B, H, Lq, D], K [B, G, Lk, D], V [B, G, Lk, Dv] with H a multiple of G; the
/// elements of a row lie side by side. Strides in elements.
/// </summary>
internal unsafe struct AttentionArguments
{
    /// <summary>Batch, query heads, key and value heads.</summary>
    public int B, H, G;

    /// <summary>Queries, keys, width of queries and keys, width of values.</summary>
    public int Lq, Lk, D, Dv;

    public mlx_dtype Type;
    public float Scale;

    public void* Q;
    public long QBatch, QHead, QRow;
    public void* K;
    public long KBatch, KHead, KRow;
    public void* V;
    public long VBatch, VHead, VRow;

    /// <summary>[B, H, Lq, Dv], row-contiguous.</summary>
    public void* Y;

    public AttentionMask MaskKind;

    /// <summary>[B, H, Lq, Lk] through any strides.</summary>
    public void* Mask;
    public long MaskBatch, MaskHead, MaskRow, MaskColumn;

    /// <summary>A score a head that takes part in the softmax and is then dropped; null for none.</summary>
    public float* Sinks;

    /// <summary>Query heads that share a key head.</summary>
    public readonly int HeadsPerGroup => H / G;
}
