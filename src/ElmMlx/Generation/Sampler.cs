namespace ElmMlx.Generation;

/// <summary>
/// Chooses tokens from log-probabilities: top-p, min-p, XTC, top-k, then a draw at the temperature. The order
/// and the random numbers are mlx-lm's, so the same seed gives the same tokens. Filters see temperature 1.
/// </summary>
public sealed class Sampler
{
    private readonly GenerationOptions _options;

    /// <summary>A sampler with the given options.</summary>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    public Sampler(GenerationOptions options)
    {
        options.Check();
        _options = options;
    }

    /// <summary>Chooses one token a row, without waiting for it.</summary>
    /// <param name="logProbs">[B, V].</param>
    /// <returns>Ids [B], uint32.</returns>
    public MlxArray Sample(MlxArray logProbs) => _options.Temperature == 0
        ? logProbs.ArgMax(-1)
        : MlxRandom.Categorical(Filter(logProbs) * (1f / _options.Temperature));

    /// <summary>Sets the log-probabilities of tokens that may not be drawn to minus infinity.</summary>
    /// <param name="logProbs">[B, V].</param>
    public MlxArray Filter(MlxArray logProbs)
    {
        if (_options.TopP is > 0 and < 1)
            logProbs = TopP(logProbs);
        if (_options.MinP > 0)
            logProbs = MinP(logProbs);
        if (_options.XtcProbability > 0)
            logProbs = Xtc(logProbs);
        if (_options.TopK > 0 && _options.TopK < logProbs.Dim(-1))
            logProbs = TopK(logProbs);
        return logProbs;
    }

    // A token stays when it and the less likely ones together exceed 1 - p.
    private MlxArray TopP(MlxArray logProbs)
    {
        MlxArray order = logProbs.ArgSort(-1);
        MlxArray cumulative = logProbs.Exp().TakeAlongAxis(order, -1).CumSum(-1);
        MlxArray ranks = MlxArray.Arange(0, order.Dim(-1), 1, order.DType).BroadcastTo(order.Dim(0), order.Dim(1));
        MlxArray inverse = MlxArray.ZerosLike(order).PutAlongAxis(order, ranks, -1);
        return MlxArray.Where(
            cumulative.TakeAlongAxis(inverse, -1) > 1 - (double)_options.TopP, logProbs, float.NegativeInfinity);
    }

    private MlxArray MinP(MlxArray logProbs)
    {
        MlxArray drop = logProbs < logProbs.Max(-1, keepDims: true) + Math.Log(_options.MinP);
        int keep = Math.Min(_options.MinTokensToKeep, logProbs.Dim(-1));
        if (keep > 1)
        {
            MlxArray best = Columns(logProbs.ArgPartition(-keep, -1), logProbs.Dim(-1) - keep, logProbs.Dim(-1));
            drop = drop.PutAlongAxis(best, MlxArray.Scalar(false), -1);
        }
        return MlxArray.Where(drop, float.NegativeInfinity, logProbs);
    }

    private MlxArray Xtc(MlxArray logProbs)
    {
        MlxArray probs = logProbs.Softmax(-1);
        MlxArray least = MlxArray.Where(probs > _options.XtcThreshold, probs, float.PositiveInfinity).Min();
        MlxArray drop = probs > least;
        if (_options.XtcSpecialTokens.Count > 0)
        {
            int[] ids = [.. _options.XtcSpecialTokens.Where(id => id >= 0 && id < logProbs.Dim(-1))];
            MlxArray columns = MlxArray.From<int>(ids, 1, ids.Length).BroadcastTo(logProbs.Dim(0), ids.Length);
            drop = drop.PutAlongAxis(columns, MlxArray.Scalar(false), -1);
        }
        return MlxArray.Where(
            MlxRandom.Uniform([]) > _options.XtcProbability, logProbs,
            MlxArray.Where(drop, float.NegativeInfinity, logProbs));
    }

    private MlxArray TopK(MlxArray logProbs)
    {
        MlxArray rest = Columns((-logProbs).ArgPartition(_options.TopK - 1, -1), _options.TopK, logProbs.Dim(-1));
        return logProbs.PutAlongAxis(rest, MlxArray.Scalar(float.NegativeInfinity, logProbs.DType), -1);
    }

    private static MlxArray Columns(MlxArray x, int start, int stop) => x.Slice([0, start], [x.Dim(0), stop]);
}
