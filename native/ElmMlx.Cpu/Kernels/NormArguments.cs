using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Rows to be normalised. The elements of a row, of the weight and of the bias lie side by side.</summary>
internal unsafe struct NormArguments
{
    /// <summary>Where the rows of x start; those of the result are row-contiguous.</summary>
    public RowOffsets Rows;

    /// <summary>Elements of a row.</summary>
    public int Width;

    public mlx_dtype Type;
    public void* X;
    public void* Y;
    public float Epsilon;

    /// <summary>One factor an element; null for none.</summary>
    public void* Weight;

    /// <summary>One summand an element; null for none.</summary>
    public void* Bias;
}
