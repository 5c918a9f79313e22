namespace ElmMlx.Optimizers;

/// <summary>
/// Adam: <c>m ← β₁·m + (1 - β₁)·g</c>, <c>v ← β₂·v + (1 - β₂)·g²</c>, <c>p ← p - λ·m / (√v + ε)</c>. With bias
/// correction m is divided by <c>1 - β₁ᵗ</c> and v by <c>1 - β₂ᵗ</c> first, t from 1.
/// </summary>
public class Adam : Optimizer
{
    private readonly double _beta1;
    private readonly double _beta2;
    private readonly double _epsilon;
    private readonly bool _biasCorrection;

    /// <summary>An optimizer with MLX's options.</summary>
    /// <param name="learningRate">λ.</param>
    /// <param name="betas">β₁ and β₂; 0.9 and 0.999 unless told.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="biasCorrection">Corrects for the zeros that m and v start from; off in MLX unless told.</param>
    public Adam(
        Schedule learningRate, (double, double)? betas = null, double epsilon = 1e-8, bool biasCorrection = false)
        : this("adam", learningRate, betas, epsilon, null, biasCorrection)
    {
    }

    private protected Adam(
        string name, Schedule learningRate, (double, double)? betas, double epsilon, double? weightDecay,
        bool biasCorrection)
        : base(name, learningRate, weightDecay, "m", "v")
    {
        (_beta1, _beta2) = Checks.Shares(betas ?? (0.9, 0.999), nameof(betas), "betas");
        _epsilon = Checks.NotNegative(epsilon, nameof(epsilon), "eps");
        _biasCorrection = biasCorrection;
    }

    private protected override MlxArray Apply(
        MlxArray parameter, MlxArray gradient, ParameterState state, UpdateStep step)
    {
        MlxArray m = state["m"] * _beta1 + gradient * (1 - _beta1);
        MlxArray v = state["v"] * _beta2 + gradient.Square() * (1 - _beta2);
        state["m"] = m;
        state["v"] = v;
        // λ·(m / c₁) / (√(v / c₂) + ε), with the corrections drawn into λ and ε.
        double rate = step.LearningRate, epsilon = _epsilon;
        if (_biasCorrection)
        {
            double root = Math.Sqrt(1 - Math.Pow(_beta2, step.Number));
            rate *= root / (1 - Math.Pow(_beta1, step.Number));
            epsilon *= root;
        }
        return parameter - m * rate / (v.Sqrt() + epsilon);
    }
}
