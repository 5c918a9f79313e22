namespace ElmMlx.Cpu.Kernels;

/// <summary>A norm, the cotangent of its result, and where the gradients go.</summary>
internal unsafe struct NormGradientArguments
{
    /// <summary>The norm; result and bias are not needed.</summary>
    public NormArguments Forward;

    /// <summary>Whether it is layer_norm, which subtracts the mean; else rms_norm.</summary>
    public bool Centres;

    /// <summary>The cotangent; the elements of a row lie side by side.</summary>
    public void* G;

    public RowOffsets GRows;

    /// <summary>Row-contiguous, may be <see cref="G"/>; null where it is not asked for.</summary>
    public void* OfX;

    /// <summary>One number an element of a row; null where it is not asked for.</summary>
    public void* OfWeight;

    /// <summary>One number an element of a row; null where it is not asked for.</summary>
    public void* OfBias;
}
