namespace ElmMlx.Nn;

/// <summary>
/// Normalisation of each vector of the last axis, <c>(x - mean) / √(variance + ε) · w + b</c>, as mlx.nn.LayerNorm
/// (Ba et al. 2016, arXiv:1607.06450).
/// </summary>
public sealed class LayerNorm : UnaryLayer
{
    private readonly Parameter? _weight;
    private readonly Parameter? _bias;
    private readonly float _eps;

    /// <summary>A new norm; w is 1, b 0.</summary>
    /// <param name="dims">D, the size of the last axis.</param>
    /// <param name="eps">ε.</param>
    /// <param name="affine">Whether there is a w, and with <paramref name="bias"/> a b.</param>
    /// <param name="bias">Whether there is a b.</param>
    public LayerNorm(int dims, float eps = 1e-5f, bool affine = true, bool bias = true)
    {
        _weight = affine ? AddParameter("weight", MlxArray.Ones([dims])) : null;
        _bias = affine && bias ? AddParameter("bias", MlxArray.Zeros([dims])) : null;
        _eps = eps;
    }

    /// <summary>Normalises the last axis.</summary>
    /// <param name="x">[…, D].</param>
    public override MlxArray Forward(MlxArray x) => Fast.LayerNorm(x, _weight?.Value, _bias?.Value, _eps);
}
