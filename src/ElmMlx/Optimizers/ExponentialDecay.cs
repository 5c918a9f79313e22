namespace ElmMlx.Optimizers;

/// <summary><c>initial · rateᵗ</c>.</summary>
public sealed class ExponentialDecay : Schedule
{
    private readonly double _initial;
    private readonly double _rate;

    /// <summary>A rate that shrinks by a factor with every update.</summary>
    /// <param name="initial">The first update's rate.</param>
    /// <param name="rate">The factor.</param>
    public ExponentialDecay(double initial, double rate)
    {
        _initial = Checks.NotNegative(initial, nameof(initial), "init");
        _rate = Checks.NotNegative(rate, nameof(rate), "decay_rate");
    }

    /// <inheritdoc/>
    public override double At(long step) => _initial * Math.Pow(_rate, step);

    /// <inheritdoc/>
    public override object Describe() =>
        new Dictionary<string, object?> { ["name"] = "exponential_decay", ["init"] = _initial, ["decay_rate"] = _rate };
}
