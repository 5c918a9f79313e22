namespace ElmMlx.Nn;

/// <summary>
/// Normalisation of each channel over batch and space, as mlx.nn.BatchNorm (Ioffe and Szegedy 2015,
/// arXiv:1502.03167).
/// </summary>
/// <remarks>
/// In training mode each forward pass moves the running mean and variance, buffers that no optimizer sees. They are
/// not evaluated there: evaluate the module (<see cref="Module.Eval"/>) once a step, beside what the optimizer moved.
/// </remarks>
public sealed class BatchNorm : AffineNorm
{
    private readonly Parameter? _runningMean;
    private readonly Parameter? _runningVar;
    private readonly double _momentum;

    /// <summary>A new norm.</summary>
    /// <param name="numFeatures">Number of channels, C.</param>
    /// <param name="eps">Added to variances.</param>
    /// <param name="momentum">The share that a batch has in the running mean and variance.</param>
    /// <param name="affine">Whether the result is scaled by a learned weight [C] and moved by a bias [C].</param>
    /// <param name="trackRunningStats">
    /// Whether there are a <c>running_mean</c> and a <c>running_var</c>, both [C], which are used outside of training
    /// mode; without them every batch is normalised by its own.
    /// </param>
    public BatchNorm(
        int numFeatures, float eps = 1e-5f, float momentum = 0.1f, bool affine = true, bool trackRunningStats = true)
        : base(numFeatures, eps, affine)
    {
        _momentum = momentum;
        if (!trackRunningStats)
            return;
        _runningMean = AddBuffer("running_mean", MlxArray.Zeros([numFeatures]));
        _runningVar = AddBuffer("running_var", MlxArray.Ones([numFeatures]));
    }

    /// <summary>Normalises all axes but the last.</summary>
    /// <param name="x">[B, C], [B, L, C] or [B, H, W, C].</param>
    /// <exception cref="ArgumentException">The input has another number of axes.</exception>
    public override MlxArray Forward(MlxArray x)
    {
        if (x.Rank is < 2 or > 4)
            throw new ArgumentException($"the input is {x.Describe()}: BatchNorm takes 2, 3 or 4 axes", nameof(x));
        if (_runningMean is not null && !IsTraining)
            return Scale(Normalize(x, _runningMean.Value, _runningVar!.Value));
        int[] axes = [.. Enumerable.Range(0, x.Rank - 1)];
        MlxArray mean = x.Mean(axes), variance = x.Var(axes);
        if (_runningMean is not null)
        {
            Move(_runningMean, mean);
            Move(_runningVar!, variance);
        }
        return Scale(Normalize(x, mean, variance));
    }

    private void Move(Parameter running, MlxArray batch) =>
        running.Replace(running.Value * (1 - _momentum) + batch.StopGradient() * _momentum);
}
