namespace ElmMlx;

/// <summary>Which way of a Fourier transform is divided by the number of elements n.</summary>
public enum FftNorm
{
    /// <summary>The inverse transform, by n.</summary>
    Backward,

    /// <summary>Both, by √n.</summary>
    Ortho,

    /// <summary>The forward transform, by n.</summary>
    Forward,
}
