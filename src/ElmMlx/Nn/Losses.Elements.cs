namespace ElmMlx.Nn;

// Losses of element against element, as mlx.nn has them.
public static partial class Losses
{
    /// <summary><c>(y - t)²</c>.</summary>
    /// <param name="predictions">y, of any shape.</param>
    /// <param name="targets">t, of the same shape.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static MlxArray MeanSquaredError(
        MlxArray predictions, MlxArray targets, LossReduction reduction = LossReduction.Mean) =>
        Reduce(Difference(predictions, targets).Square(), reduction);

    /// <summary><c>|y - t|</c>.</summary>
    /// <param name="predictions">y, of any shape.</param>
    /// <param name="targets">t, of the same shape.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static MlxArray AbsoluteError(
        MlxArray predictions, MlxArray targets, LossReduction reduction = LossReduction.Mean) =>
        Reduce(Difference(predictions, targets).Abs(), reduction);

    /// <summary>The Kullback–Leibler divergence along the last axis, <c>Σ eᵗ · (t - y)</c>.</summary>
    /// <param name="logProbabilities">y, […, V].</param>
    /// <param name="targets">t, logarithms of probabilities too.</param>
    /// <param name="reduction">What becomes of the losses […].</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static MlxArray KlDivergence(
        MlxArray logProbabilities, MlxArray targets, LossReduction reduction = LossReduction.Mean) =>
        Reduce((Wide(targets).Exp() * -Difference(logProbabilities, targets)).Sum(-1), reduction);

    /// <summary>Cross-entropy of yes and no from logits, <c>ln(1 + eˣ) - x·t</c>.</summary>
    /// <param name="logits">x, of any shape.</param>
    /// <param name="targets">t, from 0 to 1, of the same shape.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static MlxArray BinaryCrossEntropy(
        MlxArray logits, MlxArray targets, LossReduction reduction = LossReduction.Mean)
    {
        MlxArray x = Wide(logits);
        return Reduce(x.LogAddExp(0.0) - x * Wide(SameShape(targets, logits, "targets", "logits")), reduction);
    }

    private static MlxArray Difference(MlxArray predictions, MlxArray targets) =>
        Wide(predictions) - Wide(SameShape(targets, predictions, "targets", "predictions"));
}
