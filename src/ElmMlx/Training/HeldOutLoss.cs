using ElmMlx.Datasets;

namespace ElmMlx.Training;

/// <summary>The loss on data that is not trained on.</summary>
public static class HeldOutLoss
{
    /// <summary>The mean over all that counts in the first epoch's first batches.</summary>
    /// <param name="batches">The data.</param>
    /// <param name="loss">As for training; it is called without a step.</param>
    /// <param name="limit">Batches to use; −1 takes all.</param>
    /// <param name="cancellation">Ends between two batches.</param>
    public static HeldOutMean Measure(
        IBatchSource batches, BatchLoss loss, int limit, CancellationToken cancellation = default)
    {
        int count = batches.BatchesPerEpoch;
        if (limit >= 0)
            count = Math.Min(count, limit);
        double sum = 0;
        long weight = 0, tokens = 0;
        var figures = new List<(string Name, double Sum)>();
        for (int number = 0; number < count; number++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = new ArrayScope();
            using Batch batch = batches.Get(0, number);
            LossSum one = loss(batch, null);
            MlxArray.Eval([one.Sum, .. one.Figures.Select(figure => figure.Sum)]);
            sum += one.Sum.Item<float>();
            weight += one.Weight;
            tokens += one.Tokens;
            for (int i = 0; i < one.Figures.Count; i++)
            {
                (string name, MlxArray value) = one.Figures[i];
                if (i == figures.Count)
                    figures.Add((name, 0));
                figures[i] = (name, figures[i].Sum + value.Item<float>());
            }
        }
        return new HeldOutMean(sum / weight, tokens)
        {
            Figures = [.. figures.Select(figure => (figure.Name, figure.Sum / weight))],
        };
    }
}
