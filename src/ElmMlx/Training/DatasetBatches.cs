using ElmMlx.Datasets;

namespace ElmMlx.Training;

/// <summary>The batches of a data set's rows.</summary>
public sealed class DatasetBatches : IBatchSource
{
    private readonly BatchSource _source;
    private readonly Func<int, string> _place;

    /// <summary>Batches of rows.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="options">How they are put together.</param>
    /// <param name="place">Where a row came from, for messages; null gives its number.</param>
    /// <exception cref="ArgumentException">No batch can be made of the rows.</exception>
    public DatasetBatches(IReadOnlyList<TokenRow> rows, BatchOptions options, Func<int, string>? place = null)
    {
        _source = new BatchSource(rows, options);
        _place = place ?? (row => $"row {row}");
    }

    /// <inheritdoc/>
    public int BatchesPerEpoch => _source.BatchesPerEpoch;

    /// <inheritdoc/>
    public Batch Get(int epoch, int number) => _source.Get(epoch, number);

    /// <inheritdoc/>
    public string Place(int row) => _place(row);
}
