namespace ElmMlx.Nn;

// Losses that push things together or apart by a margin, with the formulas and defaults of mlx.nn.losses.
public static partial class Losses
{
    /// <summary>
    /// <c>max(‖a - p‖ - ‖a - n‖ + margin, 0)</c> along an axis (Schroff et al. 2015, arXiv:1503.03832).
    /// </summary>
    /// <remarks>
    /// As in MLX the norm is <c>√(Σ dᵖ + ε)</c> for every p: a length only where p is 2, and NaN may come of an odd p.
    /// </remarks>
    /// <param name="anchors">a, […, D].</param>
    /// <param name="positives">p, like a and of its kind.</param>
    /// <param name="negatives">n, like a and of another kind.</param>
    /// <param name="axis">The axis of vectors.</param>
    /// <param name="p">The exponent of the norm.</param>
    /// <param name="margin">By how much the other kind has to be farther away.</param>
    /// <param name="eps">ε.</param>
    /// <param name="reduction">What becomes of the vectors' losses.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static MlxArray Triplet(
        MlxArray anchors, MlxArray positives, MlxArray negatives, int axis = -1, int p = 2, double margin = 1,
        double eps = 1e-6, LossReduction reduction = LossReduction.None)
    {
        MlxArray a = Wide(anchors);
        MlxArray near = a - Wide(SameShape(positives, anchors, "positives", "anchors"));
        MlxArray far = a - Wide(SameShape(negatives, anchors, "negatives", "anchors"));
        MlxArray Length(MlxArray d) => (d.Power(p).Sum(axis) + eps).Sqrt();
        return Reduce((Length(near) - Length(far) + margin).Maximum(0.0), reduction);
    }

    /// <summary><c>max(1 - y · t, 0)</c>.</summary>
    /// <param name="inputs">y, of any shape.</param>
    /// <param name="targets">t, -1 or 1, of the same shape.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static MlxArray Hinge(MlxArray inputs, MlxArray targets, LossReduction reduction = LossReduction.None)
    {
        MlxArray agreement = Wide(inputs) * Wide(SameShape(targets, inputs, "targets", "inputs"));
        return Reduce((1.0 - agreement).Maximum(0.0), reduction);
    }

    /// <summary><c>max(-t · (x₁ - x₂) + margin, 0)</c>.</summary>
    /// <param name="inputs1">x₁, scores of any shape.</param>
    /// <param name="inputs2">x₂, of the same shape.</param>
    /// <param name="targets">t, 1 where x₁ should be the larger one, -1 where it should be the smaller one.</param>
    /// <param name="margin">By how much.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static MlxArray MarginRanking(
        MlxArray inputs1, MlxArray inputs2, MlxArray targets, double margin = 0,
        LossReduction reduction = LossReduction.None)
    {
        MlxArray difference = Wide(inputs1) - Wide(SameShape(inputs2, inputs1, "the second inputs", "the first"));
        MlxArray sign = Wide(SameShape(targets, inputs1, "targets", "inputs"));
        return Reduce((margin - sign * difference).Maximum(0.0), reduction);
    }

    /// <summary>The cosine of the angle between vectors, <c>x₁ · x₂ / max(‖x₁‖ · ‖x₂‖, ε)</c>.</summary>
    /// <remarks>As MLX's cosine_similarity_loss it grows with likeness: to train for that, take its negative.</remarks>
    /// <param name="x1">Vectors along an axis.</param>
    /// <param name="x2">Of the same shape.</param>
    /// <param name="axis">The axis of vectors.</param>
    /// <param name="eps">ε.</param>
    /// <param name="reduction">What becomes of the vectors' cosines.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static MlxArray CosineSimilarity(
        MlxArray x1, MlxArray x2, int axis = 1, double eps = 1e-8, LossReduction reduction = LossReduction.None)
    {
        (MlxArray a, MlxArray b) = (Wide(x1), Wide(SameShape(x2, x1, "the second inputs", "the first")));
        MlxArray lengths = a.Square().Sum(axis).Sqrt() * b.Square().Sum(axis).Sqrt();
        return Reduce((a * b).Sum(axis) / lengths.Maximum(eps), reduction);
    }
}
