namespace ElmMlx.Datasets;

/// <summary>
/// Which rows each batch of an epoch holds: a pure function of lengths, batch size, seed and epoch. A position in the
/// data is so a pair of numbers, epoch and batch, and going on from it needs nothing else.
/// </summary>
public sealed class BatchPlan
{
    // Rows are sorted by length within this many batches: like lengths meet, and still in a new company each epoch.
    private const int BatchesPerChunk = 50;

    private readonly int[][] _batches;

    private BatchPlan(int[][] batches) => _batches = batches;

    /// <summary>The rows of each batch, by index.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Batches => _batches;

    /// <summary>The number of batches.</summary>
    public int Count => _batches.Length;

    /// <summary>The plan of one epoch.</summary>
    /// <param name="lengths">The rows' lengths in tokens.</param>
    /// <param name="batchSize">Rows a batch; the last batch takes what is left.</param>
    /// <param name="seed">Another seed gives another order.</param>
    /// <param name="epoch">From 0.</param>
    /// <param name="order">How rows are grouped and ordered.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is too small, or the seed too large for mlx-lm's
    /// order.</exception>
    public static BatchPlan Create(
        IReadOnlyList<int> lengths, int batchSize, ulong seed, int epoch, BatchOrder order = BatchOrder.LengthGrouped)
    {
        ArgumentNullException.ThrowIfNull(lengths);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        int[] rows = [.. Enumerable.Range(0, lengths.Count)];
        return new BatchPlan(order switch
        {
            BatchOrder.Sequential => Cut(rows, batchSize),
            BatchOrder.Sorted => Cut(Sort(rows, lengths), batchSize),
            BatchOrder.MlxLm => MlxLm(Sort(rows, lengths), batchSize, seed, epoch),
            _ => Grouped(rows, lengths, batchSize, new DeterministicRandom(seed, (ulong)epoch)),
        });
    }

    private static int[][] Grouped(
        int[] rows, IReadOnlyList<int> lengths, int batchSize, DeterministicRandom random)
    {
        random.Shuffle(rows.AsSpan());
        long chunk = (long)batchSize * BatchesPerChunk;
        int[][] batches = [.. rows.Chunk((int)Math.Min(chunk, Math.Max(rows.Length, 1)))
            .SelectMany(part => Cut(Sort(part, lengths), batchSize))];
        random.Shuffle(batches.AsSpan());
        return batches;
    }

    // NumPy's generator goes on from epoch to epoch, so the former epochs are drawn again.
    private static int[][] MlxLm(int[] rows, int batchSize, ulong seed, int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(seed, uint.MaxValue);
        int[][] batches = [.. Cut(rows, batchSize).Where(batch => batch.Length == batchSize)];
        var random = new MersenneTwister((uint)seed);
        for (int i = 0; i < epoch; i++)
            random.Permutation(batches.Length);
        return [.. random.Permutation(batches.Length).Select(i => batches[i])];
    }

    private static int[] Sort(int[] rows, IReadOnlyList<int> lengths) => [.. rows.OrderBy(row => lengths[row])];

    private static int[][] Cut(int[] rows, int batchSize) => [.. rows.Chunk(batchSize)];
}
