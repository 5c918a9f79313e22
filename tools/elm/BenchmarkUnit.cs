using System.Globalization;

namespace ElmMlx.Tools.Elm;

/// <summary>How a figure is printed; JSON has the plain number.</summary>
/// <param name="Text">The unit.</param>
/// <param name="Scale">Factor from the plain number.</param>
/// <param name="Decimals">Digits behind the point.</param>
/// <param name="IsTime">Whether less is better.</param>
internal sealed record BenchmarkUnit(string Text, double Scale, int Decimals, bool IsTime = false)
{
    public static readonly BenchmarkUnit TokensPerSecond = new("tok/s", 1, 1);
    public static readonly BenchmarkUnit GigaflopsPerSecond = new("GFLOP/s", 1e-9, 0);
    public static readonly BenchmarkUnit GigabytesPerSecond = new("GB/s", 1e-9, 2);
    public static readonly BenchmarkUnit Seconds = new("s", 1, 2, IsTime: true);
    public static readonly BenchmarkUnit Milliseconds = new("ms", 1e3, 1, IsTime: true);
    public static readonly BenchmarkUnit Microseconds = new("µs", 1e6, 0, IsTime: true);
    public static readonly BenchmarkUnit Megabytes = new("MB", 1e-6, 0);
    public static readonly BenchmarkUnit Percent = new("%", 100, 2);
    public static readonly BenchmarkUnit Bytes = new("B", 1, 0);

    /// <summary>A plain number in this unit, without its name.</summary>
    public string Format(double value) => (value * Scale).ToString("F" + Decimals, CultureInfo.InvariantCulture);
}
