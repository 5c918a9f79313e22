using ElmMlx.Datasets;

namespace ElmMlx.Training;

/// <summary>The loss on data that is not trained on.</summary>
public static class HeldOutLoss
{
    /// <summary>The mean over all counted tokens of the first epoch's first batches.</summary>
    /// <param name="batches">The data.</param>
    /// <param name="loss">As for training; it is called without a step.</param>
    /// <param name="limit">Batches to use; −1 takes all.</param>
    /// <param name="cancellation">Ends between two batches.</param>
    /// <returns>The mean, NaN when no token counts, and the number of tokens.</returns>
    public static (double Loss, long Tokens) Measure(
        IBatchSource batches, BatchLoss loss, int limit, CancellationToken cancellation = default)
    {
        int count = batches.BatchesPerEpoch;
        if (limit >= 0)
            count = Math.Min(count, limit);
        double sum = 0;
        long tokens = 0;
        for (int number = 0; number < count; number++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = new ArrayScope();
            using Batch batch = batches.Get(0, number);
            (MlxArray batchSum, long batchTokens) = loss(batch, null);
            sum += batchSum.Item<float>();
            tokens += batchTokens;
        }
        return (sum / tokens, tokens);
    }
}
