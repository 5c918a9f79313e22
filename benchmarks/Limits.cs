using ElmMlx.Cpu;

namespace ElmMlx.Benchmarks;

/// <summary>What this machine can do at most, measured once, before the kernels, in their process.</summary>
/// <param name="ReadBytesPerSecond">From memory, with all threads.</param>
/// <param name="FlopsPerSecond">float32, with all threads.</param>
internal sealed record Limits(double ReadBytesPerSecond, double FlopsPerSecond)
{
    public static Limits Measured { get; } = new(
        MachineLimits.MeasureReadBytesPerSecond(), MachineLimits.MeasureFmaFlopsPerSecond());

    /// <summary>The share that work done in some seconds reaches of the limit that bounds it, as text.</summary>
    public string ShareOf(Work work, double seconds)
    {
        if (work == default)
            return "–";
        double reading = work.Bytes / ReadBytesPerSecond, computing = work.Flops / FlopsPerSecond;
        return reading > computing
            ? $"{100 * reading / seconds:F0} % of {ReadBytesPerSecond / 1e9:F1} GB/s"
            : $"{100 * computing / seconds:F0} % of {FlopsPerSecond / 1e9:F0} GFLOP/s";
    }
}
