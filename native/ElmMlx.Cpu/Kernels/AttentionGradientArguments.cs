namespace ElmMlx.Cpu.Kernels;

/// <summary>An attention, the cotangent of its result, and where the gradients go.</summary>
internal unsafe struct AttentionGradientArguments
{
    /// <summary>The attention; its result is not needed.</summary>
    public AttentionArguments Forward;

    /// <summary>[B, H, Lq, Dv] through strides; the elements of a row lie side by side.</summary>
    public void* Cotangent;
    public long CotangentBatch, CotangentHead, CotangentRow;

    /// <summary>[B, H, Lq, D], row-contiguous; null where it is not asked for.</summary>
    public void* OfQ;

    /// <summary>[B, G, Lk, D], row-contiguous; null where it is not asked for.</summary>
    public void* OfK;

    /// <summary>[B, G, Lk, Dv], row-contiguous; null where it is not asked for.</summary>
    public void* OfV;
}
