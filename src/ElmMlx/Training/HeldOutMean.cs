namespace ElmMlx.Training;

/// <summary>What an evaluation came to.</summary>
/// <param name="Loss">The mean loss; NaN where nothing counts.</param>
/// <param name="Tokens">Tokens that count.</param>
public sealed record HeldOutMean(double Loss, long Tokens)
{
    /// <summary>The means of <see cref="LossSum.Figures"/>.</summary>
    public IReadOnlyList<(string Name, double Mean)> Figures { get; init; } = [];
}
