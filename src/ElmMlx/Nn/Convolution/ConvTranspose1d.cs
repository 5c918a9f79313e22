namespace ElmMlx.Nn;

/// <summary>A transposed convolution over a sequence, [B, L, C], as mlx.nn.ConvTranspose1d.</summary>
public sealed class ConvTranspose1d : ConvolutionLayer
{
    private readonly int _stride;
    private readonly int _padding;
    private readonly int _dilation;
    private readonly int _outputPadding;

    /// <summary>
    /// A new layer; <c>weight</c> [O, K, C] is drawn evenly from ±1 / √(C · size of the kernel),
    /// <c>bias</c> [O] is 0.
    /// </summary>
    /// <param name="inChannels">C.</param>
    /// <param name="outChannels">O.</param>
    /// <param name="kernelSize">K.</param>
    /// <param name="stride">Places of the result between two of the input.</param>
    /// <param name="padding">How many are cut off on both sides of an axis.</param>
    /// <param name="dilation">Steps between two elements of the kernel.</param>
    /// <param name="outputPadding">Places that are added at the end of an axis.</param>
    /// <param name="bias">Whether there is a bias.</param>
    public ConvTranspose1d(
        int inChannels, int outChannels, int kernelSize, int stride = 1, int padding = 0,
        int dilation = 1, int outputPadding = 0, bool bias = true)
        : base(inChannels, outChannels, [kernelSize], 1, bias) =>
        (_stride, _padding, _dilation, _outputPadding) = (stride, padding, dilation, outputPadding);

    private protected override MlxArray Convolve(MlxArray x, MlxArray weight) =>
        x.ConvTranspose1d(weight, _stride, _padding, _dilation, _outputPadding);
}
