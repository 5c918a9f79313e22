using ElmMlx.Datasets;
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
        Begin(model, seed, step);
        return new LossSum(TokenLosses(model, batch).Sum(), batch.TokenCount);
    };

    /// <summary>Puts a model into the mode of a step, or of an evaluation.</summary>
    internal static void Begin(OpenElmModel model, ulong seed, long? step)
    {
        model.Train(step is not null);
        if (step is { } pass)
            Dropout.Reseed(model, seed, pass);
    }

    /// <summary>Cross-entropy of each target, 0 where it does not count.</summary>
    /// <returns>[B, L], float32.</returns>
    internal static MlxArray TokenLosses(OpenElmModel model, Batch batch) => Losses.CrossEntropy(
        model.Forward(batch.Inputs, batch.Attention), batch.Targets, weights: batch.Mask, reduction: LossReduction.None);
}
