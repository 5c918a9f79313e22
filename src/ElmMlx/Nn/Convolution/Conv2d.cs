namespace ElmMlx.Nn;

/// <summary>A convolution over pictures, [B, H, W, C], as mlx.nn.Conv2d.</summary>
public sealed class Conv2d : ConvolutionLayer
{
    private readonly IntOrPair _stride;
    private readonly IntOrPair _padding;
    private readonly IntOrPair _dilation;
    private readonly int _groups;

    /// <summary>
    /// A new layer; <c>weight</c> [O, Kh, Kw, C / groups] is drawn evenly from ±1 / √(C · size of the kernel),
    /// <c>bias</c> [O] is 0.
    /// </summary>
    /// <param name="inChannels">C.</param>
    /// <param name="outChannels">O.</param>
    /// <param name="kernelSize">Kh, Kw.</param>
    /// <param name="stride">Steps between two places of the kernel; 1 unless told.</param>
    /// <param name="padding">Zeros on both sides of an axis.</param>
    /// <param name="dilation">Steps between two elements of the kernel; 1 unless told.</param>
    /// <param name="groups">Channels in and out are cut into so many groups, each with kernels of its own.</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <exception cref="ArgumentException">C is no multiple of the number of groups.</exception>
    public Conv2d(
        int inChannels, int outChannels, IntOrPair kernelSize, IntOrPair? stride = null, IntOrPair padding = default,
        IntOrPair? dilation = null, int groups = 1, bool bias = true)
        : base(inChannels, outChannels, kernelSize.ToArray(), groups, bias) =>
        (_stride, _padding, _dilation, _groups) = (stride ?? 1, padding, dilation ?? 1, groups);

    private protected override MlxArray Convolve(MlxArray x, MlxArray weight) =>
        x.Conv2d(weight, _stride, _padding, _dilation, _groups);
}
