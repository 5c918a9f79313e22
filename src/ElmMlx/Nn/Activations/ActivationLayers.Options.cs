namespace ElmMlx.Nn;

// Activations with options as layers.

/// <summary><see cref="Activations.LeakyRelu"/> as a layer.</summary>
public sealed class LeakyRelu : UnaryLayer
{
    private readonly double _negativeSlope;

    /// <summary>A layer with the given slope below 0.</summary>
    public LeakyRelu(double negativeSlope = 0.01) => _negativeSlope = negativeSlope;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.LeakyRelu(x, _negativeSlope);
}

/// <summary><see cref="Activations.PRelu"/> as a layer whose α is learned: <c>weight</c>.</summary>
public sealed class PRelu : UnaryLayer
{
    private readonly Parameter _weight;

    /// <summary>A new layer.</summary>
    /// <param name="numParameters">Size of α: 1, or one for each channel.</param>
    /// <param name="init">Every α at first.</param>
    public PRelu(int numParameters = 1, double init = 0.25) =>
        _weight = AddParameter("weight", MlxArray.Full([numParameters], init));

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.PRelu(x, _weight.Value);
}

/// <summary><see cref="Activations.Elu"/> as a layer.</summary>
public sealed class Elu : UnaryLayer
{
    private readonly double _alpha;

    /// <summary>A layer with the given α.</summary>
    public Elu(double alpha = 1) => _alpha = alpha;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Elu(x, _alpha);
}

/// <summary><see cref="Activations.Celu"/> as a layer.</summary>
public sealed class Celu : UnaryLayer
{
    private readonly double _alpha;

    /// <summary>A layer with the given α.</summary>
    public Celu(double alpha = 1) => _alpha = alpha;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Celu(x, _alpha);
}

/// <summary><see cref="Activations.Softshrink"/> as a layer.</summary>
public sealed class Softshrink : UnaryLayer
{
    private readonly double _lambda;

    /// <summary>A layer with the given λ.</summary>
    public Softshrink(double lambda = 0.5) => _lambda = lambda;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Softshrink(x, _lambda);
}

/// <summary><see cref="Activations.Step"/> as a layer.</summary>
public sealed class Step : UnaryLayer
{
    private readonly double _threshold;

    /// <summary>A layer with the given threshold.</summary>
    public Step(double threshold = 0) => _threshold = threshold;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Step(x, _threshold);
}

/// <summary><see cref="Activations.Glu"/> as a layer.</summary>
public sealed class Glu : UnaryLayer
{
    private readonly int _axis;

    /// <summary>A layer that halves the given axis.</summary>
    public Glu(int axis = -1) => _axis = axis;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Glu(x, _axis);
}

/// <summary>GELU as a layer, exact or approximated.</summary>
public sealed class Gelu : UnaryLayer
{
    private readonly GeluApproximation _approx;

    /// <summary>A layer that computes GELU in the given way.</summary>
    public Gelu(GeluApproximation approx = GeluApproximation.None) => _approx = approx;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => _approx switch
    {
        GeluApproximation.Precise => Activations.GeluApprox(x),
        GeluApproximation.Fast => Activations.GeluFastApprox(x),
        _ => Activations.Gelu(x),
    };
}
