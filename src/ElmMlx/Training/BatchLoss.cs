using ElmMlx.Datasets;

namespace ElmMlx.Training;

/// <summary>What is to be made small.</summary>
/// <param name="batch">The batch.</param>
/// <param name="step">
/// The step that the batch is trained in, from 1: with the run's seed it decides what dropout drops. Null in an
/// evaluation, where nothing is dropped.
/// </param>
/// <returns>The sum of the losses, and what it is to be divided by.</returns>
public delegate LossSum BatchLoss(Batch batch, long? step);
