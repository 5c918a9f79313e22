namespace ElmMlx.Optimizers;

/// <summary>
/// Adafactor: of a matrix's squared gradients only the means of rows and of columns are remembered, so the
/// state is small.
/// </summary>
/// <remarks>As in MLX, the learning rate is not looked at unless <c>relativeStep</c> is off.</remarks>
public sealed class Adafactor : Optimizer
{
    private readonly (double Square, double Scale) _epsilon;
    private readonly double _clipThreshold;
    private readonly double _decayRate;
    private readonly double? _beta1;
    private readonly bool _scaleParameter;

    /// <summary>An optimizer with MLX's options.</summary>
    /// <param name="learningRate">
    /// The rate where <paramref name="relativeStep"/> is off; it must be given then.
    /// </param>
    /// <param name="epsilon">
    /// Added to squared gradients, and the least scale of a parameter; 1e-30 and 1e-3 unless told.
    /// </param>
    /// <param name="clipThreshold">Updates whose root mean square is larger are scaled down to it.</param>
    /// <param name="decayRate">The running average of squares keeps the share <c>1 - t^decayRate</c>.</param>
    /// <param name="beta1">The factor of a running average of updates; null for none.</param>
    /// <param name="weightDecay">The share of a parameter that one update takes off, over the rate.</param>
    /// <param name="scaleParameter">Multiplies the rate by the parameter's root mean square.</param>
    /// <param name="relativeStep">
    /// Takes the rate from the number of the update: <c>min(0.01, 1 / √t)</c>.
    /// </param>
    /// <param name="warmupInit">Lets that rate rise from 1e-6.</param>
    /// <exception cref="ArgumentException">No learning rate, and none from the update's number.</exception>
    public Adafactor(
        Schedule? learningRate = null, (double, double)? epsilon = null, double clipThreshold = 1,
        double decayRate = -0.8,
        double? beta1 = null, double weightDecay = 0, bool scaleParameter = true, bool relativeStep = true,
        bool warmupInit = false)
        : base("adafactor", Rate(learningRate, relativeStep, warmupInit), weightDecay,
            "exp_avg_sq_row", "exp_avg_sq_col", "exp_avg_sq", "exp_avg")
    {
        _epsilon = epsilon ?? (1e-30, 1e-3);
        Checks.NotNegative(_epsilon.Square, nameof(epsilon), "the first of eps");
        Checks.NotNegative(_epsilon.Scale, nameof(epsilon), "the second of eps");
        _clipThreshold = clipThreshold > 0
            ? clipThreshold
            : throw new ArgumentException("clip_threshold must be above 0", nameof(clipThreshold));
        _decayRate = Checks.Finite(decayRate, nameof(decayRate), "decay_rate");
        _beta1 = beta1 is { } beta ? Checks.Share(beta, nameof(beta1), "beta_1") : null;
        _scaleParameter = scaleParameter;
        HasLearningRate = learningRate is not null;
    }

    private protected override bool HasLearningRate { get; }

    private protected override MlxArray Apply(
        MlxArray parameter, MlxArray gradient, ParameterState state, UpdateStep step)
    {
        MlxArray rate = _scaleParameter
            ? RootMeanSquare(parameter).Maximum(_epsilon.Scale) * step.LearningRate
            : MlxArray.Scalar(step.LearningRate, parameter.DType);
        double kept = 1 - Math.Pow(step.Number, _decayRate);
        MlxArray Averaged(string slot, MlxArray value) => state[slot] = state[slot] * kept + value * (1 - kept);

        MlxArray square = gradient.Square() + _epsilon.Square, scale;
        if (gradient.Rank >= 2)
        {
            MlxArray rows = Averaged("exp_avg_sq_row", square.Mean(-1));                    // [.., R]
            MlxArray columns = Averaged("exp_avg_sq_col", square.Mean(-2));                 // [.., C]
            MlxArray share = (rows / rows.Mean(-1, keepDims: true)).Rsqrt();
            scale = share.ExpandDims(-1) * columns.Rsqrt().ExpandDims(-2);                  // [.., R, C]
        }
        else
        {
            scale = Averaged("exp_avg_sq", square).Rsqrt();
        }

        MlxArray update = scale * gradient;
        update = update * (rate / (RootMeanSquare(update) / _clipThreshold).Maximum(1.0));
        if (_beta1 is { } beta)
            update = state["exp_avg"] = state["exp_avg"] * beta + update * (1 - beta);
        if (step.WeightDecay != 0)
            parameter = parameter - parameter * (rate * step.WeightDecay);
        return parameter - update;
    }

    private protected override IEnumerable<(string Name, int[] Shape)> Slots(int[] shape)
    {
        if (shape.Length < 2)
        {
            yield return ("exp_avg_sq", shape);
        }
        else
        {
            yield return ("exp_avg_sq_row", shape[..^1]);
            yield return ("exp_avg_sq_col", [.. shape[..^2], shape[^1]]);
        }
        if (_beta1 is not null)
            yield return ("exp_avg", shape);
    }

    private static MlxArray RootMeanSquare(MlxArray x) => x.Square().Mean().Sqrt();

    private static Schedule Rate(Schedule? learningRate, bool isRelative, bool hasWarmup) =>
        isRelative ? new RelativeStepSchedule(hasWarmup)
        : learningRate ?? throw new ArgumentException(
            "adafactor needs a learning rate where relative_step is off", nameof(learningRate));
}
