namespace ElmMlx.Nn;

/// <summary>A transposed convolution over volumes, [B, D, H, W, C], as mlx.nn.ConvTranspose3d.</summary>
public sealed class ConvTranspose3d : ConvolutionLayer
{
    private readonly IntOrTriple _stride;
    private readonly IntOrTriple _padding;
    private readonly IntOrTriple _dilation;
    private readonly IntOrTriple _outputPadding;

    /// <summary>
    /// A new layer; <c>weight</c> [O, Kd, Kh, Kw, C] is drawn evenly from ±1 / √(C · size of the kernel),
    /// <c>bias</c> [O] is 0.
    /// </summary>
    /// <param name="inChannels">C.</param>
    /// <param name="outChannels">O.</param>
    /// <param name="kernelSize">Kd, Kh, Kw.</param>
    /// <param name="stride">Places of the result between two of the input; 1 unless told.</param>
    /// <param name="padding">How many are cut off on both sides of an axis.</param>
    /// <param name="dilation">Steps between two elements of the kernel; 1 unless told.</param>
    /// <param name="outputPadding">Places that are added at the end of an axis.</param>
    /// <param name="bias">Whether there is a bias.</param>
    public ConvTranspose3d(
        int inChannels, int outChannels, IntOrTriple kernelSize, IntOrTriple? stride = null,
        IntOrTriple padding = default, IntOrTriple? dilation = null, IntOrTriple outputPadding = default,
        bool bias = true)
        : base(inChannels, outChannels, kernelSize.ToArray(), 1, bias) =>
        (_stride, _padding, _dilation, _outputPadding) = (stride ?? 1, padding, dilation ?? 1, outputPadding);

    private protected override MlxArray Convolve(MlxArray x, MlxArray weight) =>
        x.ConvTranspose3d(weight, _stride, _padding, _dilation, _outputPadding);
}
