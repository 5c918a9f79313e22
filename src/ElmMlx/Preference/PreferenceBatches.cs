using ElmMlx.Datasets;
using ElmMlx.Training;

namespace ElmMlx.Preference;

/// <summary>Batches of pairs: both rows of a pair, the chosen answer's first, stand one below the other.</summary>
public sealed class PreferenceBatches : IBatchSource
{
    private readonly PreferenceDataset _dataset;
    private readonly BatchOptions _options;
    private readonly int[] _lengths;
    private (int Epoch, BatchPlan Plan) _planned;

    /// <summary>Batches of a file's pairs.</summary>
    /// <param name="dataset">The pairs.</param>
    /// <param name="options">How they are put together; <see cref="BatchOptions.BatchSize"/> counts pairs.</param>
    /// <exception cref="ArgumentException">There is no pair, or pairs are to be packed.</exception>
    public PreferenceBatches(PreferenceDataset dataset, BatchOptions options)
    {
        if (options.Pack)
            throw new ArgumentException(
                "Pairs cannot be packed: each row has a log-probability of its own.", nameof(options));
        _dataset = dataset;
        _options = options;
        _lengths = [.. dataset.Pairs.Select(pair => pair.Length)];
        _planned = (0, Plan(0));
        BatchesPerEpoch = _planned.Plan.Count > 0 ? _planned.Plan.Count
            : throw new ArgumentException($"{dataset.Path} has too few pairs for a batch.", nameof(dataset));
    }

    /// <inheritdoc/>
    public int BatchesPerEpoch { get; }

    /// <inheritdoc/>
    public Batch Get(int epoch, int number)
    {
        if (_planned.Epoch != epoch)
            _planned = (epoch, Plan(epoch));
        return Batch.Create(
            _dataset.Rows,
            [.. _planned.Plan.Batches[number].SelectMany(pair => (int[])[2 * pair, 2 * pair + 1])],
            _options);
    }

    /// <inheritdoc/>
    public string Place(int row) => _dataset.Place(row);

    private BatchPlan Plan(int epoch) =>
        BatchPlan.Create(_lengths, _options.BatchSize, _options.Seed, epoch, _options.Order);
}
