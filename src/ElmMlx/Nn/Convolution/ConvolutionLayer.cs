namespace ElmMlx.Nn;

/// <summary>A convolution with a learned kernel <c>weight</c> [O, …, C / groups] and <c>bias</c> [O].</summary>
public abstract class ConvolutionLayer : UnaryLayer
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    /// <param name="inChannels">C.</param>
    /// <param name="outChannels">O.</param>
    /// <param name="kernel">The kernel's size along each axis of space.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="bias">Whether there is a bias; 0 at first.</param>
    private protected ConvolutionLayer(
        int inChannels, int outChannels, ReadOnlySpan<int> kernel, int groups, bool bias)
    {
        if (groups < 1 || inChannels % groups != 0)
            throw new ArgumentException(
                $"{inChannels} channels do not make {groups} groups of one size", nameof(groups));
        double size = inChannels;
        foreach (int length in kernel)
            size *= length;
        _weight = AddParameter("weight", Draw.Even(Math.Sqrt(1 / size), [outChannels, .. kernel, inChannels / groups]));
        _bias = bias ? AddParameter("bias", MlxArray.Zeros([outChannels])) : null;
    }

    /// <summary>The convolution, plus the bias.</summary>
    /// <param name="x">[B, …, C].</param>
    /// <returns>[B, …, O].</returns>
    public sealed override MlxArray Forward(MlxArray x)
    {
        MlxArray y = Convolve(x, _weight.Value);
        return _bias is null ? y : y + _bias.Value;
    }

    private protected abstract MlxArray Convolve(MlxArray x, MlxArray weight);
}
