using ElmMlx.Nn;

namespace ElmMlx.Tests;

/// <summary>The functions of the golden data, by its names: activations and losses.</summary>
internal static class NnFunctions
{
    public static readonly Dictionary<string, Func<MlxArray[], MlxArray>> All = new(StringComparer.Ordinal)
    {
        ["hard_tanh"] = x => Activations.HardTanh(x[0], -2, 1.5),
        ["hard_shrink"] = x => Activations.HardShrink(x[0], 1.25),
        ["softmax, 0"] = x => Activations.Softmax(x[0], 0),
        ["softmin, 0"] = x => Activations.Softmin(x[0], 0),
        ["log_softmax, 0"] = x => Activations.LogSoftmax(x[0], 0),
        ["cross_entropy"] = x => Losses.CrossEntropy(x[0], x[1], reduction: LossReduction.None),
        ["cross_entropy, weights smoothing sum"] = x => Losses.CrossEntropy(
            x[0], x[1], labelSmoothing: 0.2, weights: x[2], reduction: LossReduction.Sum),
        ["cross_entropy, probabilities"] = x => Losses.CrossEntropyOfProbabilities(x[0], x[1]),
        ["cross_entropy, probabilities 0"] = x => Losses.CrossEntropyOfProbabilities(
            x[0], x[1], 0, x[2], 0.3, LossReduction.Mean),
        ["binary_cross_entropy"] = x => Losses.BinaryCrossEntropy(x[0], x[1]),
        ["binary_cross_entropy, weights"] = x =>
            Losses.BinaryCrossEntropy(x[0], x[1], x[2], reduction: LossReduction.None),
        ["binary_cross_entropy, probabilities"] = x => Losses.BinaryCrossEntropy(
            x[0], x[1], x[2], withLogits: false, LossReduction.None),
        ["l1_loss"] = x => Losses.AbsoluteError(x[0], x[1]),
        ["mse_loss"] = x => Losses.MeanSquaredError(x[0], x[1]),
        ["nll_loss"] = x => Losses.Nll(x[0], x[1]),
        ["gaussian_nll_loss"] = x => Losses.GaussianNll(x[0], x[1], x[2]),
        ["gaussian_nll_loss, full"] = x => Losses.GaussianNll(x[0], x[1], x[2], full: true, 0.3, LossReduction.None),
        ["kl_div_loss"] = x => Losses.KlDivergence(x[0], x[1], LossReduction.None),
        ["kl_div_loss, 0"] = x => Losses.KlDivergence(x[0], x[1], 0, LossReduction.Mean),
        ["smooth_l1_loss"] = x => Losses.SmoothL1(x[0], x[1]),
        ["smooth_l1_loss, 0.3"] = x => Losses.SmoothL1(x[0], x[1], 0.3, LossReduction.None),
        ["triplet_loss"] = x => Losses.Triplet(x[0], x[1], x[2]),
        ["triplet_loss, options"] = x => Losses.Triplet(x[0], x[1], x[2], 0, 4, 0.5, 0.01, LossReduction.Mean),
        ["hinge_loss"] = x => Losses.Hinge(x[0], x[1]),
        ["huber_loss"] = x => Losses.Huber(x[0], x[1]),
        ["huber_loss, 0.4"] = x => Losses.Huber(x[0], x[1], 0.4, LossReduction.Sum),
        ["log_cosh_loss"] = x => Losses.LogCosh(x[0], x[1]),
        ["cosine_similarity_loss"] = x => Losses.CosineSimilarity(x[0], x[1]),
        ["cosine_similarity_loss, 0"] = x => Losses.CosineSimilarity(x[0], x[1], 0, 3, LossReduction.Mean),
        ["margin_ranking_loss"] = x => Losses.MarginRanking(x[0], x[1], x[2]),
        ["margin_ranking_loss, 0.7"] = x => Losses.MarginRanking(x[0], x[1], x[2], 0.7, LossReduction.Mean),
    };

    /// <summary>Initializers, and the shapes that the golden data makes with them.</summary>
    public static readonly Dictionary<string, (Initializer Initializer, int[] Shape)> Initial =
        new(StringComparer.Ordinal)
        {
            ["init normal"] = (Initializers.Normal(), [4, 3]),
            ["init normal, options"] = (Initializers.Normal(1.5, 0.3), [4, 3]),
            ["init uniform"] = (Initializers.Uniform(), [5]),
            ["init uniform, options"] = (Initializers.Uniform(-2, 3), [5]),
            ["init glorot_normal"] = (Initializers.GlorotNormal(), [4, 3]),
            ["init glorot_normal, conv"] = (Initializers.GlorotNormal(2), [8, 3, 5, 4]),
            ["init glorot_uniform"] = (Initializers.GlorotUniform(), [4, 3]),
            ["init glorot_uniform, conv"] = (Initializers.GlorotUniform(2), [8, 3, 5, 4]),
            ["init he_normal"] = (Initializers.HeNormal(), [4, 3]),
            ["init he_normal, out"] = (Initializers.HeNormal(FanMode.FanOut, 2), [8, 3, 5, 4]),
            ["init he_uniform"] = (Initializers.HeUniform(), [4, 3]),
            ["init he_uniform, out"] = (Initializers.HeUniform(FanMode.FanOut, 2), [8, 3, 5, 4]),
        };
}
