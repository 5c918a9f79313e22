namespace ElmMlx.Optimizers;

/// <summary>
/// Lion: <c>c = β₁·m + (1 - β₁)·g</c>, <c>m ← β₂·m + (1 - β₂)·g</c>, <c>p ← p·(1 - λ·decay) - λ·sign(c)</c>.
/// </summary>
public sealed class Lion : Optimizer
{
    private readonly double _beta1;
    private readonly double _beta2;

    /// <summary>An optimizer with MLX's options.</summary>
    /// <param name="learningRate">λ; a third to a tenth of Adam's.</param>
    /// <param name="betas">β₁ and β₂; 0.9 and 0.99 unless told.</param>
    /// <param name="weightDecay">The share of a parameter that one update takes off, over λ.</param>
    public Lion(Schedule learningRate, (double, double)? betas = null, double weightDecay = 0)
        : base("lion", learningRate, weightDecay, "m") =>
        (_beta1, _beta2) = Checks.Shares(betas ?? (0.9, 0.99), nameof(betas), "betas");

    private protected override MlxArray Apply(
        MlxArray parameter, MlxArray gradient, ParameterState state, UpdateStep step)
    {
        MlxArray m = state["m"];
        MlxArray direction = (m * _beta1 + gradient * (1 - _beta1)).Sign();
        state["m"] = m * _beta2 + gradient * (1 - _beta2);
        if (step.WeightDecay != 0)
            parameter = parameter * (1 - step.LearningRate * step.WeightDecay);
        return parameter - direction * step.LearningRate;
    }
}
