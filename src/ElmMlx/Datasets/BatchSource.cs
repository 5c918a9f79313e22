namespace ElmMlx.Datasets;

/// <summary>
/// The batches of a data set. Where one stands is a pair of numbers: the epoch, and the batch in it.
/// </summary>
public sealed class BatchSource
{
    private readonly IReadOnlyList<TokenRow> _rows;
    private readonly int[][] _sequences;
    private readonly int[] _lengths;
    private (int Epoch, BatchPlan Plan)? _planned;

    /// <summary>The batches of rows.</summary>
    /// <param name="rows">The rows of a data set.</param>
    /// <param name="options">How they are put together.</param>
    /// <exception cref="ArgumentException">There is no row, one is too long or too short, or mlx-lm's order is
    /// asked for with fewer rows than a batch has.</exception>
    public BatchSource(IReadOnlyList<TokenRow> rows, BatchOptions options)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSize, 1);
        if (rows.Count == 0)
            throw new ArgumentException("The data set has no rows.", nameof(rows));
        for (int i = 0; i < rows.Count; i++)
        {
            if (rows[i].Length < 2 || rows[i].Length > options.MaxSequenceLength)
                throw new ArgumentException(
                    $"Row {i} has {rows[i].Length} tokens; it must have 2 to {options.MaxSequenceLength}.",
                    nameof(rows));
        }
        _rows = rows;
        Options = options;
        int[] lengths = [.. rows.Select(row => row.Length)];
        _sequences = options.Pack
            ? RowPacking.Pack(lengths, options.MaxSequenceLength)
            : [.. Enumerable.Range(0, rows.Count).Select(row => new[] { row })];
        _lengths = [.. _sequences.Select(sequence => sequence.Sum(row => lengths[row]))];
        BatchesPerEpoch = Plan(0).Count;
        if (BatchesPerEpoch == 0)
            throw new ArgumentException(
                $"mlx-lm's order needs {options.BatchSize} rows for a batch; the data set has {_sequences.Length}.",
                nameof(rows));
    }

    /// <summary>How the rows are put together.</summary>
    public BatchOptions Options { get; }

    /// <summary>The number of batches in each epoch.</summary>
    public int BatchesPerEpoch { get; }

    /// <summary>Makes one batch, which the caller disposes of.</summary>
    /// <param name="epoch">From 0.</param>
    /// <param name="number">From 0, less than <see cref="BatchesPerEpoch"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such batch.</exception>
    public Batch Get(int epoch, int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(number, BatchesPerEpoch);
        IReadOnlyList<int> chosen = Plan(epoch).Batches[number];
        return Options.Pack
            ? Batch.CreatePacked(_rows, [.. chosen.Select(sequence => _sequences[sequence])], Options)
            : Batch.Create(_rows, chosen, Options);
    }

    /// <summary>Which rows a batch holds, without making it.</summary>
    /// <param name="epoch">From 0.</param>
    /// <param name="number">From 0, less than <see cref="BatchesPerEpoch"/>.</param>
    public IReadOnlyList<int> RowsOf(int epoch, int number) =>
        [.. Plan(epoch).Batches[number].SelectMany(sequence => _sequences[sequence])];

    private BatchPlan Plan(int epoch)
    {
        if (_planned is not { } planned || planned.Epoch != epoch)
            _planned = planned = (epoch, BatchPlan.Create(
                _lengths, Options.BatchSize, Options.Seed, epoch, Options.Order));
        return planned.Plan;
    }
}
