namespace ElmMlx.Nn;

// More losses of distributions, with the formulas and defaults of mlx.nn.losses.
public static partial class Losses
{
    /// <summary>The negative logarithm of the targets' probabilities.</summary>
    /// <param name="inputs">Logarithms of probabilities, […, V, …].</param>
    /// <param name="targets">Whole numbers from 0 to V - 1, of the shape of the inputs without the axis.</param>
    /// <param name="axis">The axis of V.</param>
    /// <param name="reduction">What becomes of the targets' losses.</param>
    /// <exception cref="ArgumentException">The targets have another shape.</exception>
    public static MlxArray Nll(
        MlxArray inputs, MlxArray targets, int axis = -1, LossReduction reduction = LossReduction.None)
    {
        MlxArray x = Wide(inputs);
        CheckWithoutAxis(targets, inputs, axis, "targets");
        return Reduce(-x.TakeAlongAxis(targets.ExpandDims(axis), axis).Squeeze(axis), reduction);
    }

    /// <summary>
    /// Cross-entropy from logits whose targets are distributions: <c>ln Σ eˣ - Σ t · x</c> along an axis.
    /// </summary>
    /// <param name="logits">x, […, V, …].</param>
    /// <param name="targets">t, probabilities of the same shape.</param>
    /// <param name="axis">The axis of V.</param>
    /// <param name="weights">One for each loss; none: 1.</param>
    /// <param name="labelSmoothing">The share of the targets that goes evenly to all of V.</param>
    /// <param name="reduction">What becomes of the losses. The mean is over all, whatever they weigh.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, or the smoothing is not from 0 up to 1.</exception>
    public static MlxArray CrossEntropyOfProbabilities(
        MlxArray logits, MlxArray targets, int axis = -1, MlxArray? weights = null, double labelSmoothing = 0,
        LossReduction reduction = LossReduction.None)
    {
        if (labelSmoothing is not (>= 0 and < 1))
            throw new ArgumentException(
                FormattableString.Invariant($"the label smoothing is {labelSmoothing}: it must be from 0 up to, ") +
                "not including, 1", nameof(labelSmoothing));
        MlxArray x = Wide(logits), t = Wide(SameShape(targets, logits, "targets", "logits"));
        MlxArray score = (x * t).Sum(axis);
        if (labelSmoothing > 0)
            score = score * (1 - labelSmoothing) + x.Mean(axis) * labelSmoothing;
        return Reduce(Weighted(x.LogSumExp(axis) - score, weights), reduction);
    }

    /// <summary>Cross-entropy of yes and no, from logits or from probabilities, weighted.</summary>
    /// <param name="inputs">Logits, or probabilities, of any shape.</param>
    /// <param name="targets">From 0 to 1, of the same shape.</param>
    /// <param name="weights">One for each loss, of the same shape; null: 1.</param>
    /// <param name="withLogits">
    /// Whether the inputs are logits. Else they are probabilities, whose logarithms count as at least -100.
    /// </param>
    /// <param name="reduction">What becomes of the losses. The mean is over all, whatever they weigh.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static MlxArray BinaryCrossEntropy(
        MlxArray inputs, MlxArray targets, MlxArray? weights, bool withLogits = true,
        LossReduction reduction = LossReduction.Mean)
    {
        if (withLogits)
            return Reduce(Weighted(BinaryCrossEntropy(inputs, targets, LossReduction.None), weights), reduction);
        MlxArray p = Wide(inputs), t = Wide(SameShape(targets, inputs, "targets", "inputs"));
        MlxArray yes = p.Log().Maximum(-100.0), no = (1.0 - p).Log().Maximum(-100.0);
        return Reduce(Weighted(-(t * yes + (1.0 - t) * no), weights), reduction);
    }

    /// <summary>The Kullback–Leibler divergence along any axis, <c>Σ eᵗ · (t - y)</c>.</summary>
    /// <param name="inputs">y, logarithms of probabilities, […, V, …].</param>
    /// <param name="targets">t, logarithms of probabilities too, of the same shape.</param>
    /// <param name="axis">The axis of V.</param>
    /// <param name="reduction">What becomes of the losses.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static MlxArray KlDivergence(
        MlxArray inputs, MlxArray targets, int axis, LossReduction reduction = LossReduction.None) =>
        Reduce((Wide(targets).Exp() * -Difference(inputs, targets)).Sum(axis), reduction);

    private static MlxArray Weighted(MlxArray loss, MlxArray? weights) =>
        weights is null ? loss : loss * SameShape(Wide(weights), loss, "weights", "losses");

    private static void CheckWithoutAxis(MlxArray targets, MlxArray inputs, int axis, string name)
    {
        List<int> shape = [.. inputs.Shape];
        shape.RemoveAt(axis < 0 ? axis + shape.Count : axis);
        if (!targets.Shape.AsSpan().SequenceEqual([.. shape]))
            throw new ArgumentException(
                $"{name} are {Shapes.Text(targets.Shape)} and inputs without axis {axis} {Shapes.Text([.. shape])}: " +
                "they must have one shape");
    }
}
