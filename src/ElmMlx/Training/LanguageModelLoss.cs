using ElmMlx.Datasets;
using ElmMlx.Nn;
using ElmMlx.OpenElm;

namespace ElmMlx.Training;

/// <summary>The loss of a language model: cross-entropy of the next token.</summary>
public static class LanguageModelLoss
{
    /// <summary>
    /// The loss of a model, adapters included. A training step puts the model into training mode and gives its dropouts
    /// the masks that follow from the seed and the step; an evaluation turns training mode off.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="seed">Seeds dropout.</param>
    public static BatchLoss Of(OpenElmModel model, ulong seed) => (batch, step) =>
    {
        Begin(model, seed, step);
        bool isTraining = step is not null && batch.TokenCount > 0;
        return new LossSum(
            isTraining ? TrainingSum(model, batch) : TokenLosses(model, batch).Sum(), batch.TokenCount);
    };

    /// <summary>
    /// The sum of the cross-entropy of all targets, for training: logits exist a block of positions at a time.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="hidden">Its last states, normalised, [..., D].</param>
    /// <param name="targets">[...].</param>
    public static MlxArray Sum(OpenElmModel model, MlxArray hidden, MlxArray targets) => Losses.CrossEntropySum(
        hidden.Reshape(-1, hidden.Dim(-1)), targets.Reshape(-1), model.Logits,
        [.. model.OutputLayer.TrainableParameters().Select(entry => entry.Parameter)]);

    // Of the targets that count.
    private static MlxArray TrainingSum(OpenElmModel model, Batch batch)
    {
        MlxArray hidden = model.Hidden(batch.Inputs, batch.Attention), targets = batch.Targets;     // [B, L, D], [B, L]
        if (batch.TokenCount < targets.Size)
        {
            MlxArray places = MlxArray.From<int>([.. batch.Places], batch.TokenCount);
            hidden = hidden.Reshape(-1, hidden.Dim(-1)).Take(places, 0);                            // [N, D]
            targets = targets.Reshape(-1).Take(places, 0);
        }
        return Sum(model, hidden, targets);
    }

    /// <summary>Puts a model into the mode of a step, or of an evaluation.</summary>
    internal static void Begin(OpenElmModel model, ulong seed, long? step)
    {
        model.Train(step is not null);
        if (step is { } pass)
            Dropout.Reseed(model, seed, pass);
    }

    /// <summary>
    /// Cross-entropy of the targets that count. Logits are made for these alone: where prompts are masked they are few,
    /// and logits are what takes the most memory.
    /// </summary>
    /// <returns>[B, m] float32, with m the most that a row has; 0 behind those of a row that has fewer.</returns>
    internal static MlxArray TokenLosses(OpenElmModel model, Batch batch)
    {
        (int rows, int length) = (batch.Targets.Dim(0), batch.Targets.Dim(1));
        MlxArray hidden = model.Hidden(batch.Inputs, batch.Attention);          // [B, L, D]
        ILookup<int, int> places = batch.Places.ToLookup(place => place / length);
        int most = Math.Max(1, places.Select(row => row.Count()).DefaultIfEmpty().Max());
        if (most == length)
            return Losses.CrossEntropy(
                model.Logits(hidden), batch.Targets, weights: batch.Mask, reduction: LossReduction.None);
        int[] taken = new int[rows * most];         // what fills up is the first target, and weighs nothing
        float[] weights = new float[rows * most];
        for (int row = 0; row < rows; row++)
        {
            int next = row * most;
            foreach (int place in places[row])
            {
                weights[next] = 1;
                taken[next++] = place;
            }
        }
        MlxArray index = MlxArray.From<int>(taken, rows, most);
        MlxArray counted = hidden.Reshape(rows * length, hidden.Dim(-1)).Take(index, 0);        // [B, m, D]
        return Losses.CrossEntropy(
            model.Logits(counted), batch.Targets.Reshape(rows * length).Take(index, 0),
            weights: MlxArray.From<float>(weights, rows, most), reduction: LossReduction.None);
    }
}
