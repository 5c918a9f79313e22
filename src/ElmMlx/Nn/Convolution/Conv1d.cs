namespace ElmMlx.Nn;

/// <summary>A convolution over a sequence, [B, L, C], as mlx.nn.Conv1d.</summary>
public sealed class Conv1d : ConvolutionLayer
{
    private readonly int _stride;
    private readonly int _padding;
    private readonly int _dilation;
    private readonly int _groups;

    /// <summary>
    /// A new layer; <c>weight</c> [O, K, C / groups] is drawn evenly from ±1 / √(C · size of the kernel),
    /// <c>bias</c> [O] is 0.
    /// </summary>
    /// <param name="inChannels">C.</param>
    /// <param name="outChannels">O.</param>
    /// <param name="kernelSize">K.</param>
    /// <param name="stride">Steps between two places of the kernel.</param>
    /// <param name="padding">Zeros on both sides of an axis.</param>
    /// <param name="dilation">Steps between two elements of the kernel.</param>
    /// <param name="groups">Channels in and out are cut into so many groups, each with kernels of its own.</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <exception cref="ArgumentException">C is no multiple of the number of groups.</exception>
    public Conv1d(
        int inChannels, int outChannels, int kernelSize, int stride = 1, int padding = 0,
        int dilation = 1, int groups = 1, bool bias = true)
        : base(inChannels, outChannels, [kernelSize], groups, bias) =>
        (_stride, _padding, _dilation, _groups) = (stride, padding, dilation, groups);

    private protected override MlxArray Convolve(MlxArray x, MlxArray weight) =>
        x.Conv1d(weight, _stride, _padding, _dilation, _groups);
}
