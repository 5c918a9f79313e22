namespace ElmMlx.Nn;

/// <summary>Root-mean-square normalisation over the last axis: <c>x / √(mean(x²) + ε) · w</c>.</summary>
public sealed class RmsNorm : UnaryLayer
{
    private readonly Parameter _weight;
    private readonly float _epsilon;

    /// <summary>A norm with the given weight.</summary>
    /// <param name="weight">[D].</param>
    /// <param name="epsilon">Added to the mean of squares.</param>
    public RmsNorm(MlxArray weight, float epsilon)
    {
        _weight = AddParameter("weight", weight);
        _epsilon = epsilon;
    }

    /// <summary>A new norm; its weight is 1.</summary>
    /// <param name="dims">D.</param>
    /// <param name="eps">Added to the mean of squares.</param>
    public RmsNorm(int dims, float eps = 1e-5f)
        : this(MlxArray.Ones([dims]), eps)
    {
    }

    /// <summary>Normalises the last axis.</summary>
    /// <param name="x">[…, D].</param>
    public override MlxArray Forward(MlxArray x) => Fast.RmsNorm(x, _weight.Value, _epsilon);
}
