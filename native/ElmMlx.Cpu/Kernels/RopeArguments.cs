using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Rotary position embedding of x [B, H, L, D]; the elements of a row lie side by side.</summary>
internal unsafe struct RopeArguments
{
    /// <summary>Batch, heads, length, width of a row.</summary>
    public int B, H, L, D;

    /// <summary>Elements of a row that turn; even, at most D.</summary>
    public int Dims;

    /// <summary>Whether neighbours form a pair, rather than the two halves of the row.</summary>
    public bool IsTraditional;

    /// <summary>Whether to turn back: the derivative.</summary>
    public bool IsInverse;

    /// <summary>Factor of the position.</summary>
    public float Scale;

    public mlx_dtype Type;
    public void* X;
    public long BatchStride, HeadStride, RowStride;

    /// <summary>[B, H, L, D], row-contiguous.</summary>
    public void* Y;

    /// <summary>Turn in radians a position, of each of the Dims / 2 pairs.</summary>
    public float* InverseFrequencies;

    /// <summary>First position: one of the whole batch, or one a batch row.</summary>
    public int* Offsets;
    public bool HasOffsetPerBatch;
}
