namespace ElmMlx.Optimizers;

/// <summary>
/// Adamax: <c>m ← β₁·m + (1 - β₁)·g</c>, <c>v ← max(β₂·v, |g|)</c>, <c>p ← p - λ·m / (v + ε)</c>.
/// </summary>
public sealed class Adamax : Optimizer
{
    private readonly double _beta1;
    private readonly double _beta2;
    private readonly double _epsilon;

    /// <summary>An optimizer with MLX's options.</summary>
    /// <param name="learningRate">λ.</param>
    /// <param name="betas">β₁ and β₂; 0.9 and 0.999 unless told.</param>
    /// <param name="epsilon">ε.</param>
    public Adamax(Schedule learningRate, (double, double)? betas = null, double epsilon = 1e-8)
        : base("adamax", learningRate, null, "m", "v")
    {
        (_beta1, _beta2) = Checks.Shares(betas ?? (0.9, 0.999), nameof(betas), "betas");
        _epsilon = Checks.NotNegative(epsilon, nameof(epsilon), "eps");
    }

    private protected override MlxArray Apply(
        MlxArray parameter, MlxArray gradient, ParameterState state, UpdateStep step)
    {
        MlxArray m = state["m"] * _beta1 + gradient * (1 - _beta1);
        MlxArray v = (state["v"] * _beta2).Maximum(gradient.Abs());
        state["m"] = m;
        state["v"] = v;
        return parameter - m * step.LearningRate / (v + _epsilon);
    }
}
