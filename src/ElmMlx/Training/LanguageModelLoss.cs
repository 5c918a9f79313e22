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
    /// <remarks>
    /// Logits are made for the targets that count alone. Where prompts are masked these are few, and logits are what takes
    /// the most memory.
    /// </remarks>
    /// <param name="model">The model.</param>
    /// <param name="seed">Seeds dropout.</param>
    public static BatchLoss Of(OpenElmModel model, ulong seed) => (batch, step) =>
    {
        model.Train(step is not null);
        if (step is { } pass)
            Dropout.Reseed(model, seed, pass);
        return (Sum(model, batch), batch.TokenCount);
    };

    // B rows, L positions, D states, V logits, n targets that count.
    private static MlxArray Sum(OpenElmModel model, Batch batch)
    {
        MlxArray hidden = model.Hidden(batch.Inputs, batch.Attention);      // [B, L, D]
        int size = (int)batch.Targets.Size;
        if (batch.TokenCount is 0 || batch.TokenCount == size)
            return Losses.CrossEntropy(
                model.Logits(hidden), batch.Targets, weights: batch.Mask, reduction: LossReduction.Sum);
        MlxArray places = MlxArray.From<int>([.. batch.Places], 1, batch.TokenCount);
        MlxArray counted = hidden.Reshape(size, hidden.Dim(-1)).Take(places, 0);                // [1, n, D]
        return Losses.CrossEntropy(
            model.Logits(counted), batch.Targets.Reshape(size).Take(places, 0), reduction: LossReduction.Sum);
    }
}
