namespace ElmMlx.Training;

/// <summary>The loss of a batch. Sums, so that a mean over several batches weighs all that counts the same.</summary>
/// <param name="Sum">The sum of the losses of all that counts, a scalar.</param>
/// <param name="Weight">What the mean divides by: how many tokens count, or how many pairs.</param>
public sealed record LossSum(MlxArray Sum, long Weight)
{
    /// <summary>Tokens that count, for reports.</summary>
    public long Tokens { get; init; } = Weight;

    /// <summary>
    /// What is measured on the way, by name: scalars that are summed and divided as the loss is, and have no gradient.
    /// </summary>
    public IReadOnlyList<(string Name, MlxArray Sum)> Figures { get; init; } = [];
}
