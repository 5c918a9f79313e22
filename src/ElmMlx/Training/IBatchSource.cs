using ElmMlx.Datasets;

namespace ElmMlx.Training;

/// <summary>
/// Batches of a data set. Epoch and number alone decide what is in a batch, so they are a place from which a run can go on.
/// </summary>
public interface IBatchSource
{
    /// <summary>Batches of an epoch; at least one.</summary>
    /// <param name="epoch">From 0.</param>
    int CountIn(int epoch);

    /// <summary>Makes a batch; its arrays are the caller's.</summary>
    /// <param name="epoch">From 0.</param>
    /// <param name="number">From 0, below <see cref="CountIn"/>.</param>
    Batch Make(int epoch, int number);
}
