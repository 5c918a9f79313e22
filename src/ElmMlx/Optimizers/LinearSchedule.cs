namespace ElmMlx.Optimizers;

/// <summary>A straight line from <c>initial</c> to <c>end</c>, which then stays.</summary>
public sealed class LinearSchedule : Schedule
{
    private readonly double _initial;
    private readonly double _end;
    private readonly long _steps;

    /// <summary>A rate that rises or falls evenly.</summary>
    /// <param name="initial">The first update's rate.</param>
    /// <param name="end">The last rate.</param>
    /// <param name="steps">Updates until the last rate.</param>
    public LinearSchedule(double initial, double end, long steps)
    {
        _initial = Checks.NotNegative(initial, nameof(initial), "init");
        _end = Checks.NotNegative(end, nameof(end), "end");
        _steps = Checks.Positive(steps, nameof(steps), "steps");
    }

    /// <inheritdoc/>
    public override double At(long step) => Math.Min(step, _steps) * ((_end - _initial) / _steps) + _initial;

    /// <inheritdoc/>
    public override object Describe() => new Dictionary<string, object?>
    {
        ["name"] = "linear_schedule",
        ["init"] = _initial,
        ["end"] = _end,
        ["steps"] = _steps,
    };
}
