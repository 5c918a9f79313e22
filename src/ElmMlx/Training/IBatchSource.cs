using ElmMlx.Datasets;

namespace ElmMlx.Training;

/// <summary>
/// Batches of a data set. Epoch and number alone decide what is in a batch, so they are a place from which a run can go
/// on.
/// </summary>
public interface IBatchSource
{
    /// <summary>Batches of an epoch; at least one.</summary>
    int BatchesPerEpoch { get; }

    /// <summary>Makes a batch, which the caller disposes of.</summary>
    /// <param name="epoch">From 0.</param>
    /// <param name="number">From 0, below <see cref="BatchesPerEpoch"/>.</param>
    Batch Get(int epoch, int number);

    /// <summary>Where a row of a batch came from, for messages: a file and a line.</summary>
    /// <param name="row">One of <see cref="Batch.Rows"/>.</param>
    string Place(int row);
}
