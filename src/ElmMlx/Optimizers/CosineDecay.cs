namespace ElmMlx.Optimizers;

/// <summary>Half a cosine from <c>initial</c> down to <c>end</c>, which then stays.</summary>
public sealed class CosineDecay : Schedule
{
    private readonly double _initial;
    private readonly long _steps;
    private readonly double _end;

    /// <summary>A rate that falls along a cosine.</summary>
    /// <param name="initial">The first update's rate.</param>
    /// <param name="steps">Updates until the last rate.</param>
    /// <param name="end">The last rate.</param>
    public CosineDecay(double initial, long steps, double end = 0)
    {
        _initial = Checks.NotNegative(initial, nameof(initial), "init");
        _steps = Checks.Positive(steps, nameof(steps), "decay_steps");
        _end = Checks.NotNegative(end, nameof(end), "end");
    }

    /// <inheritdoc/>
    public override double At(long step)
    {
        double share = 0.5 * (1 + Math.Cos(Math.PI / _steps * Math.Min(step, _steps)));
        return _end + share * (_initial - _end);
    }

    /// <inheritdoc/>
    public override object Describe() => new Dictionary<string, object?>
    {
        ["name"] = "cosine_decay",
        ["init"] = _initial,
        ["decay_steps"] = _steps,
        ["end"] = _end,
    };
}
