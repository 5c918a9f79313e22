namespace ElmMlx.Nn;

/// <summary>Root-mean-square normalisation over the last axis: <c>x / √(mean(x²) + ε) · w</c>.</summary>
public sealed class RmsNorm : Module
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

    /// <summary>Normalises the last axis.</summary>
    /// <param name="x">[…, D].</param>
    public MlxArray Forward(MlxArray x) => Fast.RmsNorm(x, _weight.Value, _epsilon);
}
