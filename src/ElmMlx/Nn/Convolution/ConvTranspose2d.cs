namespace ElmMlx.Nn;

/// <summary>A transposed convolution over pictures, [B, H, W, C], as mlx.nn.ConvTranspose2d.</summary>
public sealed class ConvTranspose2d : ConvolutionLayer
{
    private readonly IntOrPair _stride;
    private readonly IntOrPair _padding;
    private readonly IntOrPair _dilation;
    private readonly IntOrPair _outputPadding;

    /// <summary>
    /// A new layer; <c>weight</c> [O, Kh, Kw, C] is drawn evenly from ±1 / √(C · size of the kernel),
    /// <c>bias</c> [O] is 0.
    /// </summary>
    /// <param name="inChannels">C.</param>
    /// <param name="outChannels">O.</param>
    /// <param name="kernelSize">Kh, Kw.</param>
    /// <param name="stride">Places of the result between two of the input; 1 unless told.</param>
    /// <param name="padding">How many are cut off on both sides of an axis.</param>
    /// <param name="dilation">Steps between two elements of the kernel; 1 unless told.</param>
    /// <param name="outputPadding">Places that are added at the end of an axis.</param>
    /// <param name="bias">Whether there is a bias.</param>
    public ConvTranspose2d(
        int inChannels, int outChannels, IntOrPair kernelSize, IntOrPair? stride = null, IntOrPair padding = default,
        IntOrPair? dilation = null, IntOrPair outputPadding = default, bool bias = true)
        : base(inChannels, outChannels, kernelSize.ToArray(), 1, bias) =>
        (_stride, _padding, _dilation, _outputPadding) = (stride ?? 1, padding, dilation ?? 1, outputPadding);

    private protected override MlxArray Convolve(MlxArray x, MlxArray weight) =>
        x.ConvTranspose2d(weight, _stride, _padding, _dilation, _outputPadding);
}
