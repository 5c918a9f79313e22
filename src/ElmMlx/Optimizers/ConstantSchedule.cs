namespace ElmMlx.Optimizers;

/// <summary>The same rate for every update.</summary>
public sealed class ConstantSchedule : Schedule
{
    private readonly double _rate;

    /// <summary>A rate that stays.</summary>
    /// <param name="rate">The learning rate, not negative.</param>
    public ConstantSchedule(double rate) => _rate = Checks.NotNegative(rate, nameof(rate), "the learning rate");

    /// <inheritdoc/>
    public override double At(long step) => _rate;

    /// <inheritdoc/>
    public override object Describe() => _rate;
}
