namespace ElmMlx.Optimizers;

/// <summary>
/// Stochastic gradient descent with momentum: <c>v ← μ·v + (1 - τ)·g</c>, <c>p ← p - λ·v</c>.
/// </summary>
public sealed class Sgd : Optimizer
{
    private readonly double _momentum;
    private readonly double _dampening;
    private readonly bool _nesterov;

    /// <summary>An optimizer with MLX's options.</summary>
    /// <param name="learningRate">λ.</param>
    /// <param name="momentum">μ.</param>
    /// <param name="weightDecay">Times the parameter, added to the gradient.</param>
    /// <param name="dampening">τ.</param>
    /// <param name="nesterov">Looks one step of momentum ahead.</param>
    /// <exception cref="ArgumentException">Nesterov without momentum, or with dampening.</exception>
    public Sgd(
        Schedule learningRate, double momentum = 0, double weightDecay = 0, double dampening = 0, bool nesterov = false)
        : base("sgd", learningRate, weightDecay, "v")
    {
        if (nesterov && (momentum <= 0 || dampening != 0))
            throw new ArgumentException("nesterov needs a momentum above 0 and no dampening", nameof(nesterov));
        _momentum = Checks.NotNegative(momentum, nameof(momentum), "momentum");
        _dampening = Checks.NotNegative(dampening, nameof(dampening), "dampening");
        _nesterov = nesterov;
    }

    private protected override MlxArray Apply(
        MlxArray parameter, MlxArray gradient, ParameterState state, UpdateStep step)
    {
        if (step.WeightDecay != 0)
            gradient = gradient + parameter * step.WeightDecay;
        if (_momentum == 0)
            return parameter - gradient * step.LearningRate;
        MlxArray v = state["v"] * _momentum + (_dampening == 0 ? gradient : gradient * (1 - _dampening));
        state["v"] = v;
        return parameter - (_nesterov ? gradient + v * _momentum : v) * step.LearningRate;
    }
}
