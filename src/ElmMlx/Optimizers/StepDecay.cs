namespace ElmMlx.Optimizers;

/// <summary><c>initial · rate^⌊t / size⌋</c>.</summary>
public sealed class StepDecay : Schedule
{
    private readonly double _initial;
    private readonly double _rate;
    private readonly long _size;

    /// <summary>A rate that shrinks by a factor every few updates.</summary>
    /// <param name="initial">The first update's rate.</param>
    /// <param name="rate">The factor.</param>
    /// <param name="size">Updates with the same rate.</param>
    public StepDecay(double initial, double rate, long size)
    {
        _initial = Checks.NotNegative(initial, nameof(initial), "init");
        _rate = Checks.NotNegative(rate, nameof(rate), "decay_rate");
        _size = Checks.Positive(size, nameof(size), "step_size");
    }

    /// <inheritdoc/>
    public override double At(long step) => _initial * Math.Pow(_rate, step / _size);

    /// <inheritdoc/>
    public override object Describe() => new Dictionary<string, object?>
    {
        ["name"] = "step_decay",
        ["init"] = _initial,
        ["decay_rate"] = _rate,
        ["step_size"] = _size,
    };
}
