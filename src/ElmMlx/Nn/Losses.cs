namespace ElmMlx.Nn;

/// <summary>
/// How far outputs are from targets. Everything is computed in float32 where the input is bfloat16 or float16.
/// </summary>
/// <remarks>B = batch, L = length, V = vocabulary.</remarks>
public static partial class Losses
{
    /// <summary>
    /// Cross-entropy from logits, <c>ln Σ eˣ - x[target]</c>; nothing of the logits' size is made for it, but a
    /// float32 copy where they are narrower.
    /// </summary>
    /// <param name="logits">[…, V].</param>
    /// <param name="targets">[…], whole numbers from 0 to V - 1, or <paramref name="ignoreIndex"/>.</param>
    /// <param name="ignoreIndex">
    /// Targets of this value count nothing; any number, also none of the vocabulary.
    /// </param>
    /// <param name="labelSmoothing">
    /// The share of the target's probability that goes evenly to the whole vocabulary.
    /// </param>
    /// <param name="weights">[…], one for each target: 0 leaves it out. Null: 1 each.</param>
    /// <param name="reduction">
    /// The mean is over the targets that count, by their weights; 0 where none does.
    /// </param>
    /// <returns>A scalar; […] without reduction.</returns>
    /// <exception cref="ArgumentException">
    /// Shapes do not fit, or the smoothing is not from 0 up to 1.
    /// </exception>
    public static MlxArray CrossEntropy(
        MlxArray logits, MlxArray targets, int? ignoreIndex = null, double labelSmoothing = 0, MlxArray? weights = null,
        LossReduction reduction = LossReduction.Mean)
    {
        logits = Wide(logits);
        MlxArray? counted = ignoreIndex is { } index ? targets.NotEqual((long)index) : null;
        MlxArray loss = CrossEntropy(logits, targets, counted, logits.LogSumExp(-1), labelSmoothing);
        if (weights is not null)
            loss = loss * SameShape(Wide(weights), targets, "weights", "targets");
        if (reduction is not LossReduction.Mean || (weights is null && counted is null))
            return Reduce(loss, reduction);
        MlxArray share = weights is null ? counted!.AsType(loss.DType)
            : counted is null ? Wide(weights)
            : MlxArray.Where(counted, Wide(weights), 0.0);
        return loss.Sum() / NotZero(share.Sum());
    }

    /// <summary>
    /// CoreNet's loss: cross-entropy, the mean over the targets that count, and the z-loss,
    /// <c>zLoss / n · Σ (ln Σ eˣ)²</c>, which keeps logits from drifting.
    /// </summary>
    /// <remarks>
    /// n are the targets that count, but the sum is over all positions: CoreNet sets the logits of ignored ones
    /// to zero, so each adds the constant <c>(ln V)²</c>, which has no gradient. Where no target counts, n is
    /// taken as 1: there is no NaN.
    /// </remarks>
    /// <param name="logits">[…, V].</param>
    /// <param name="targets">[…].</param>
    /// <param name="ignoreIndex">The value of targets that do not count: the padding's id.</param>
    /// <param name="zLoss">The z-loss's factor; 0 for none.</param>
    /// <param name="labelSmoothing">
    /// As in <see cref="CrossEntropy(MlxArray, MlxArray, int?, double, MlxArray?, LossReduction)"/>.
    /// </param>
    /// <exception cref="ArgumentException">
    /// Shapes do not fit, or the smoothing is not from 0 up to 1.
    /// </exception>
    public static CoreNetLoss CoreNet(
        MlxArray logits, MlxArray targets, int ignoreIndex, double zLoss = 1e-4, double labelSmoothing = 0)
    {
        logits = Wide(logits);
        MlxArray counted = targets.NotEqual((long)ignoreIndex);
        MlxArray logSum = logits.LogSumExp(-1);
        MlxArray n = NotZero(counted.AsType(logits.DType).Sum());
        MlxArray entropy = CrossEntropy(logits, targets, counted, logSum, labelSmoothing).Sum() / n;
        MlxArray z = MlxArray.Where(counted, logSum, Math.Log(logits.Dim(-1))).Square().Sum() / n * zLoss;
        return new CoreNetLoss(entropy + z, entropy, z);
    }

    // A target that does not count becomes 0, so that nothing is read beyond the vocabulary.
    private static MlxArray CrossEntropy(
        MlxArray logits, MlxArray targets, MlxArray? counted, MlxArray logSum, double labelSmoothing)
    {
        if (labelSmoothing is not (>= 0 and < 1))
            throw new ArgumentException(
                FormattableString.Invariant(
                    $"the label smoothing is {labelSmoothing}: it must be from 0 up to, not including, 1"),
                nameof(labelSmoothing));
        if (!targets.DType.IsInteger())
            throw new ArgumentException(
                $"targets are {targets.Describe()}: they must be whole numbers", nameof(targets));
        SameShape(targets, logSum, "targets", "logits without their last axis");
        MlxArray places = counted is null ? targets : MlxArray.Where(counted, targets, 0L);
        MlxArray score = logits.TakeAlongAxis(places.ExpandDims(-1), -1).Squeeze(-1);
        MlxArray loss = labelSmoothing == 0
            ? logSum - score
            : logSum - (score * (1 - labelSmoothing) + logits.Mean(-1) * labelSmoothing);
        return counted is null ? loss : MlxArray.Where(counted, loss, 0.0);
    }

    private static MlxArray Reduce(MlxArray loss, LossReduction reduction) => reduction switch
    {
        LossReduction.Sum => loss.Sum(),
        LossReduction.Mean => loss.Mean(),
        _ => loss,
    };

    private static MlxArray NotZero(MlxArray count) => MlxArray.Where(count.Equal(0.0), 1.0, count);

    private static MlxArray Wide(MlxArray x) =>
        x.DType is DType.Float16 or DType.BFloat16 ? x.AsType(DType.Float32) : x;

    private static MlxArray SameShape(MlxArray array, MlxArray other, string name, string otherName) =>
        array.Shape.AsSpan().SequenceEqual(other.Shape)
            ? array
            : throw new ArgumentException(
                $"{name} are {Shapes.Text(array.Shape)} and {otherName} {Shapes.Text(other.Shape)}: they must have " +
                    "one shape");
}
