namespace ElmMlx.Optimizers;

/// <summary>
/// Adafactor's own rate, <c>min(0.01, 1 / √t)</c>, t from 1; with warm-up <c>t · 10⁻⁶</c> instead of 0.01.
/// </summary>
internal sealed class RelativeStepSchedule(bool hasWarmup) : Schedule
{
    public override double At(long step) =>
        Math.Min(hasWarmup ? 1e-6 * (step + 1) : 1e-2, 1 / Math.Sqrt(step + 1));

    public override object Describe() =>
        new Dictionary<string, object?> { ["name"] = "relative_step", ["warmup_init"] = hasWarmup };
}
