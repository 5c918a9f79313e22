using ElmMlx.Nn;

namespace ElmMlx.Optimizers;

/// <summary>What one parameter has otherwise than the optimizer's own options say; null is as they say.</summary>
/// <param name="WeightDecay">The weight decay.</param>
/// <param name="LearningRate">The learning rate.</param>
public sealed record ParameterGroup(double? WeightDecay = null, Schedule? LearningRate = null)
{
    private static readonly ParameterGroup WithoutDecay = new(WeightDecay: 0);

    /// <summary>
    /// A rule for <see cref="Optimizer.Groups"/>: no weight decay for parameters of one axis, norms and biases
    /// (CoreNet's <c>no_decay_bn_filter_bias</c>).
    /// </summary>
    /// <param name="path">The parameter's path; not looked at.</param>
    /// <param name="parameter">The parameter.</param>
    public static ParameterGroup? NoDecayOfVectors(string path, Parameter parameter) =>
        parameter.Value.Rank == 1 ? WithoutDecay : null;
}
