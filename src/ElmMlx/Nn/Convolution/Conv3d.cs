namespace ElmMlx.Nn;

/// <summary>A convolution over volumes, [B, D, H, W, C], as mlx.nn.Conv3d.</summary>
public sealed class Conv3d : ConvolutionLayer
{
    private readonly IntOrTriple _stride;
    private readonly IntOrTriple _padding;
    private readonly IntOrTriple _dilation;

    /// <summary>
    /// A new layer; <c>weight</c> [O, Kd, Kh, Kw, C] is drawn evenly from ±1 / √(C · size of the kernel),
    /// <c>bias</c> [O] is 0.
    /// </summary>
    /// <param name="inChannels">C.</param>
    /// <param name="outChannels">O.</param>
    /// <param name="kernelSize">Kd, Kh, Kw.</param>
    /// <param name="stride">Steps between two places of the kernel; 1 unless told.</param>
    /// <param name="padding">Zeros on both sides of an axis.</param>
    /// <param name="dilation">Steps between two elements of the kernel; 1 unless told.</param>
    /// <param name="bias">Whether there is a bias.</param>
    public Conv3d(
        int inChannels, int outChannels, IntOrTriple kernelSize, IntOrTriple? stride = null,
        IntOrTriple padding = default, IntOrTriple? dilation = null, bool bias = true)
        : base(inChannels, outChannels, kernelSize.ToArray(), 1, bias) =>
        (_stride, _padding, _dilation) = (stride ?? 1, padding, dilation ?? 1);

    private protected override MlxArray Convolve(MlxArray x, MlxArray weight) =>
        x.Conv3d(weight, _stride, _padding, _dilation);
}
