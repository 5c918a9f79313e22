namespace ElmMlx.Nn;

/// <summary>The learned end of a norm over channels: <c>w · x + b</c>, or nothing.</summary>
public abstract class AffineNorm : UnaryLayer
{
    private readonly Parameter? _weight;
    private readonly Parameter? _bias;
    private readonly double _eps;

    /// <param name="dims">Number of channels, C.</param>
    /// <param name="eps">Added to variances.</param>
    /// <param name="affine">Whether there are a w of 1 and a b of 0, both [C].</param>
    private protected AffineNorm(int dims, double eps, bool affine)
    {
        _weight = affine ? AddParameter("weight", MlxArray.Ones([dims])) : null;
        _bias = affine ? AddParameter("bias", MlxArray.Zeros([dims])) : null;
        _eps = eps;
    }

    /// <summary><c>(x - mean) / √(variance + ε)</c>.</summary>
    private protected MlxArray Normalize(MlxArray x, MlxArray mean, MlxArray variance) =>
        (x - mean) * (variance + _eps).Rsqrt();

    private protected MlxArray Scale(MlxArray x) => _weight is null ? x : _weight.Value * x + _bias!.Value;
}
