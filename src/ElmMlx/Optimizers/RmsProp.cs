namespace ElmMlx.Optimizers;

/// <summary>RMSprop: <c>v ← α·v + (1 - α)·g²</c>, <c>p ← p - λ·g / (√v + ε)</c>.</summary>
public sealed class RmsProp : Optimizer
{
    private readonly double _alpha;
    private readonly double _epsilon;

    /// <summary>An optimizer with MLX's options.</summary>
    /// <param name="learningRate">λ.</param>
    /// <param name="alpha">α.</param>
    /// <param name="epsilon">ε.</param>
    public RmsProp(Schedule learningRate, double alpha = 0.99, double epsilon = 1e-8)
        : base("rmsprop", learningRate, null, "v")
    {
        _alpha = Checks.NotNegative(alpha, nameof(alpha), "alpha");
        _epsilon = Checks.NotNegative(epsilon, nameof(epsilon), "eps");
    }

    private protected override MlxArray Apply(
        MlxArray parameter, MlxArray gradient, ParameterState state, UpdateStep step)
    {
        MlxArray v = state["v"] * _alpha + gradient.Square() * (1 - _alpha);
        state["v"] = v;
        return parameter - gradient * step.LearningRate / (v.Sqrt() + _epsilon);
    }
}
