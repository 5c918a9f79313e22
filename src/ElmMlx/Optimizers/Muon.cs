namespace ElmMlx.Optimizers;

/// <summary>
/// Muon: momentum whose matrices are made orthogonal before they are applied. Meant for the matrices of hidden
/// layers; parameters of one axis get plain momentum.
/// </summary>
public sealed class Muon : Optimizer
{
    private readonly double _momentum;
    private readonly bool _nesterov;
    private readonly int _iterations;

    /// <summary>An optimizer with MLX's options.</summary>
    /// <param name="learningRate">Multiplied by √(rows / columns) for tall matrices.</param>
    /// <param name="momentum">The factor of the running average of gradients.</param>
    /// <param name="weightDecay">Times the parameter, added to the gradient.</param>
    /// <param name="nesterov">Looks one step of momentum ahead.</param>
    /// <param name="iterations">Newton–Schulz iterations.</param>
    public Muon(
        Schedule learningRate, double momentum = 0.95, double weightDecay = 0.01, bool nesterov = true,
        int iterations = 5)
        : base("muon", learningRate, weightDecay, "v")
    {
        _momentum = Checks.NotNegative(momentum, nameof(momentum), "momentum");
        _nesterov = nesterov;
        _iterations = (int)Checks.NotNegative(iterations, nameof(iterations), "ns_steps");
    }

    private protected override MlxArray Apply(
        MlxArray parameter, MlxArray gradient, ParameterState state, UpdateStep step)
    {
        if (step.WeightDecay != 0)
            gradient = gradient + parameter * step.WeightDecay;
        MlxArray v = state["v"] * _momentum + gradient * (1 - _momentum);
        state["v"] = v;
        MlxArray update = _nesterov ? gradient * (1 - _momentum) + v * _momentum : v;
        double rate = step.LearningRate;
        if (update.Rank >= 2)
        {
            int[] shape = update.Shape;
            update = shape.Length == 2 ? Orthogonal(update) : Orthogonal(update.Reshape(shape[0], -1)).Reshape(shape);
            rate *= Math.Sqrt(Math.Max(1, (double)shape[^2] / shape[^1]));
        }
        return parameter - update * rate;
    }

    /// <summary>
    /// Brings all singular values near 1 with <c>x ← a·x + (b·xxᵀ + c·(xxᵀ)²)·x</c>; the products are over the
    /// shorter side.
    /// </summary>
    private MlxArray Orthogonal(MlxArray matrix)
    {
        const float a = 3.4445f, b = -4.7750f, c = 2.0315f;
        bool isTall = matrix.Dim(0) > matrix.Dim(1);
        MlxArray x = isTall ? matrix.Transpose() : matrix;
        x = x / (x.Square().Sum(keepDims: true).Sqrt() + 1e-7);
        for (int i = 0; i < _iterations; i++)
        {
            MlxArray square = x.MatMul(x.Transpose());
            x = x.AddMm(square.AddMm(square, square, alpha: c, beta: b), x, beta: a);
        }
        return isTall ? x.Transpose() : x;
    }
}
