using ElmMlx.Datasets;
using ElmMlx.Lora;
using ElmMlx.OpenElm;

namespace ElmMlx.Preference;

/// <summary>
/// What the reference thinks of every answer of a file: the model without its adapters. It never changes, so it is
/// computed once, before training.
/// </summary>
public sealed class ReferenceLogProbs
{
    private readonly Dictionary<int, float> _values;     // by row

    private ReferenceLogProbs(Dictionary<int, float> values) => _values = values;

    /// <summary>Computes those of the batches of the first epoch, in which every pair comes once.</summary>
    /// <param name="model">The model, with adapters or without; they are off meanwhile.</param>
    /// <param name="batches">The pairs.</param>
    /// <param name="limit">Batches that will be asked for, of an evaluation; −1 takes all.</param>
    /// <param name="progress">Told after every batch, on this thread, how many are done and how many there are.</param>
    /// <param name="cancellation">Ends between two batches.</param>
    /// <exception cref="InvalidDataException">One is NaN or infinite; says of which line.</exception>
    public static ReferenceLogProbs Compute(
        OpenElmModel model, PreferenceBatches batches, int limit = -1,
        IProgress<(int Done, int Total)>? progress = null,
        CancellationToken cancellation = default)
    {
        int count = limit < 0 ? batches.BatchesPerEpoch : Math.Min(limit, batches.BatchesPerEpoch);
        var values = new Dictionary<int, float>();
        using AdaptersOff off = new(model);
        model.Train(false);
        for (int number = 0; number < count; number++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = new ArrayScope();
            using Batch batch = batches.Get(0, number);
            float[] logProbs = AnswerLogProbs.Of(model, batch).ToArray<float>();
            foreach ((int row, float logProb) in batch.Rows.Zip(logProbs))
                values[row] = float.IsFinite(logProb) ? logProb : throw new InvalidDataException(
                    $"{batches.Place(row)}: the reference's log-probability is NaN or infinite; load the model in " +
                    "another type (--dtype), or look at its weights.");
            progress?.Report((number + 1, count));
        }
        return new ReferenceLogProbs(values);
    }

    /// <summary>Those of a batch's answers.</summary>
    /// <returns>[P, 2], float32: chosen, rejected.</returns>
    /// <exception cref="InvalidOperationException">
    /// The batch is beyond the limit that they were computed for.
    /// </exception>
    internal MlxArray Of(Batch batch) => MlxArray.From<float>(
        [.. batch.Rows.Select(row => _values.TryGetValue(row, out float value) ? value
            : throw new InvalidOperationException($"Row {row} has no reference: more batches are used than were " +
                "computed."))],
        batch.Rows.Count / 2, 2);
}
