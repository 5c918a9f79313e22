namespace ElmMlx.Optimizers;

/// <summary>Adagrad: <c>v ← v + g²</c>, <c>p ← p - λ·g / (√v + ε)</c>.</summary>
public sealed class Adagrad : Optimizer
{
    private readonly double _epsilon;

    /// <summary>An optimizer with MLX's options.</summary>
    /// <param name="learningRate">λ.</param>
    /// <param name="epsilon">ε.</param>
    public Adagrad(Schedule learningRate, double epsilon = 1e-8)
        : base("adagrad", learningRate, null, "v") =>
        _epsilon = Checks.NotNegative(epsilon, nameof(epsilon), "eps");

    private protected override MlxArray Apply(
        MlxArray parameter, MlxArray gradient, ParameterState state, UpdateStep step)
    {
        MlxArray v = state["v"] + gradient.Square();
        state["v"] = v;
        return parameter - gradient * step.LearningRate / (v.Sqrt() + _epsilon);
    }
}
