namespace ElmMlx.Cpu.Kernels;

/// <summary>How quantised numbers are coded. MLX's names in lower case.</summary>
internal enum QuantizationMode
{
    /// <summary>scale · q + bias, 2 to 8 bits.</summary>
    Affine,

    /// <summary>e2m1 with a power of two for 32 numbers.</summary>
    Mxfp4,

    /// <summary>e4m3 with a power of two for 32 numbers.</summary>
    Mxfp8,

    /// <summary>e2m1 with an e4m3 scale for 16 numbers.</summary>
    Nvfp4,
}
