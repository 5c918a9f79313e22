using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Rows of softmax and of its cotangent. The elements of a row lie side by side.</summary>
internal unsafe struct SoftmaxGradientArguments
{
    /// <summary>Elements of a row.</summary>
    public int Width;

    public mlx_dtype Type;

    /// <summary>What softmax gave.</summary>
    public void* Y;

    public RowOffsets YRows;

    /// <summary>The cotangent.</summary>
    public void* G;

    public RowOffsets GRows;

    /// <summary>Row-contiguous; may be <see cref="G"/>.</summary>
    public void* Result;
}
