using ElmMlx.OpenElm;
using ElmMlx.Training;

namespace ElmMlx.Preference;

/// <summary>
/// The loss of direct preference optimisation (Rafailov et al. 2023; the hinge: Zhao et al. 2023), as TRL computes it.
/// With π and ref the log-probabilities of an answer, <c>z = (π − ref) of the chosen one − (π − ref) of the rejected
/// one</c>.
/// </summary>
/// <remarks>P = pairs.</remarks>
public static class PreferenceLoss
{
    /// <summary>
    /// The loss of a model with adapters, for a <see cref="Trainer"/>: a batch's weight is its pairs.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="reference">What the reference thinks of the answers that the batches hold.</param>
    /// <param name="options">Which loss.</param>
    /// <param name="seed">Seeds dropout.</param>
    /// <exception cref="ArgumentException">An option is impossible.</exception>
    public static BatchLoss Of(
        OpenElmModel model, ReferenceLogProbs reference, PreferenceLossOptions options, ulong seed)
    {
        options.Check();
        return (batch, step) =>
        {
            LanguageModelLoss.Begin(model, seed, step);
            MlxArray policy = AnswerLogProbs.Of(model, batch).Reshape(-1, 2);       // [P, 2]
            return Measure(policy, reference.Of(batch), options) with { Tokens = batch.TokenCount };
        };
    }

    /// <summary>
    /// The loss of pairs; its figures are the rewards β (π − ref) of both answers, their difference (margin), and how
    /// often the chosen one's is the larger (accuracy).
    /// </summary>
    /// <param name="policy">Log-probabilities of the answers, [P, 2]: chosen, rejected.</param>
    /// <param name="reference">The reference's, [P, 2].</param>
    /// <param name="options">Which loss.</param>
    public static LossSum Measure(MlxArray policy, MlxArray reference, PreferenceLossOptions options)
    {
        MlxArray[] rewards = ((policy - reference) * (float)options.Beta).Split(2, axis: 1);      // [P, 1] each
        MlxArray margin = rewards[0] - rewards[1];                                                // β z
        MlxArray loss = options.Kind == PreferenceLossKind.Hinge
            ? (1f - margin).Maximum(0f)
            : Softplus(-margin) * (float)(
                1 - options.LabelSmoothing) + Softplus(margin) * (float)options.LabelSmoothing;
        return new LossSum(loss.Sum(), policy.Dim(0))
        {
            Figures =
            [
                ("reward_chosen", rewards[0].Sum()),
                ("reward_rejected", rewards[1].Sum()),
                ("margin", margin.Sum()),
                ("accuracy", (rewards[0] > rewards[1]).AsType(DType.Float32).Sum()),
            ],
        };
    }

    // −ln σ(−x) = ln(1 + eˣ), without overflow.
    private static MlxArray Softplus(MlxArray x) => x.LogAddExp(0f);
}
