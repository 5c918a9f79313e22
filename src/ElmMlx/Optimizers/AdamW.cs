namespace ElmMlx.Optimizers;

/// <summary>
/// Adam whose weight decay does not go through the gradient: <c>p ← p·(1 - λ·decay)</c>, then
/// <see cref="Adam"/>'s step.
/// </summary>
/// <remarks>
/// With bias correction it is PyTorch's AdamW, and with <see cref="ParameterGroup.NoDecayOfVectors"/> as
/// <see cref="Optimizer.Groups"/> the one that CoreNet trains OpenELM with.
/// </remarks>
public sealed class AdamW : Adam
{
    /// <summary>An optimizer with MLX's options.</summary>
    /// <param name="learningRate">λ.</param>
    /// <param name="betas">β₁ and β₂; 0.9 and 0.999 unless told.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="weightDecay">The share of a parameter that one update takes off, over λ.</param>
    /// <param name="biasCorrection">Corrects for the zeros that m and v start from; off in MLX unless told.</param>
    public AdamW(
        Schedule learningRate, (double, double)? betas = null, double epsilon = 1e-8, double weightDecay = 0.01,
        bool biasCorrection = false)
        : base("adamw", learningRate, betas, epsilon, weightDecay, biasCorrection)
    {
    }

    private protected override MlxArray Apply(
        MlxArray parameter, MlxArray gradient, ParameterState state, UpdateStep step)
    {
        double kept = 1 - step.LearningRate * step.WeightDecay;
        return base.Apply(kept == 1 ? parameter : parameter * kept, gradient, state, step);
    }
}
