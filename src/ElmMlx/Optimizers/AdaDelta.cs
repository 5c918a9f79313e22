namespace ElmMlx.Optimizers;

/// <summary>
/// AdaDelta: <c>v ← ρ·v + (1 - ρ)·g²</c>, <c>d = √(u + ε) / √(v + ε) · g</c>, <c>u ← ρ·u + (1 - ρ)·d²</c>,
/// <c>p ← p - λ·d</c>.
/// </summary>
public sealed class AdaDelta : Optimizer
{
    private readonly double _rho;
    private readonly double _epsilon;

    /// <summary>An optimizer with MLX's options.</summary>
    /// <param name="learningRate">λ.</param>
    /// <param name="rho">ρ.</param>
    /// <param name="epsilon">ε.</param>
    public AdaDelta(Schedule learningRate, double rho = 0.9, double epsilon = 1e-6)
        : base("adadelta", learningRate, null, "v", "u")
    {
        _rho = Checks.NotNegative(rho, nameof(rho), "rho");
        _epsilon = Checks.NotNegative(epsilon, nameof(epsilon), "eps");
    }

    private protected override MlxArray Apply(
        MlxArray parameter, MlxArray gradient, ParameterState state, UpdateStep step)
    {
        MlxArray u = state["u"];
        MlxArray v = state["v"] * _rho + gradient.Square() * (1 - _rho);
        MlxArray d = (u + _epsilon).Sqrt() / (v + _epsilon).Sqrt() * gradient;
        state["v"] = v;
        state["u"] = u * _rho + d.Square() * (1 - _rho);
        return parameter - d * step.LearningRate;
    }
}
