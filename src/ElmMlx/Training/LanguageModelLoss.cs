using ElmMlx.Nn;
using ElmMlx.OpenElm;

namespace ElmMlx.Training;

/// <summary>The loss of a language model: cross-entropy of the next token.</summary>
public static class LanguageModelLoss
{
    /// <summary>
    /// The loss of a model, adapters included. A training step puts the model into training mode and gives its dropouts the
    /// masks that follow from the seed and the step; an evaluation turns training mode off.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="seed">Seeds dropout.</param>
    public static BatchLoss Of(OpenElmModel model, ulong seed) => (batch, step) =>
    {
        model.Train(step is not null);
        if (step is { } pass)
            Dropout.Reseed(model, seed, pass);
        MlxArray logits = model.Forward(batch.Inputs, batch.Attention);     // [B, L, V]
        MlxArray sum = Losses.CrossEntropy(
            logits, batch.Targets, weights: batch.Mask, reduction: LossReduction.Sum);
        return (sum, batch.TokenCount);
    };
}
