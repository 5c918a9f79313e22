namespace ElmMlx.Optimizers;

/// <summary>The numbers of one update of one parameter.</summary>
/// <param name="Number">Counts updates from 1.</param>
/// <param name="LearningRate">This parameter's learning rate.</param>
/// <param name="WeightDecay">This parameter's weight decay.</param>
internal readonly record struct UpdateStep(long Number, double LearningRate, double WeightDecay);
