using System.Globalization;
using System.Text.Json;
using ElmMlx.Cpu;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// What this machine can do at most, measured in this process by the CPU provider's own loops, whoever computes the
/// arrays.
/// </summary>
/// <param name="Threads">N, the threads that kernels use.</param>
/// <param name="Read">Bytes a second read from memory with 1 and N threads.</param>
/// <param name="Fma">float32 operations a second with 1 and N threads.</param>
/// <param name="Int8">
/// Operations a second on bytes with 1 and N threads; 0 where there is no instruction for them.
/// </param>
internal sealed record BenchmarkLimits(
    int Threads, (double One, double All) Read, (double One, double All) Fma, (double One, double All) Int8)
{
    public static BenchmarkLimits Measure() => new(
        MachineLimits.ThreadCount,
        (MachineLimits.MeasureReadBytesPerSecond(1), MachineLimits.MeasureReadBytesPerSecond()),
        (MachineLimits.MeasureFmaFlopsPerSecond(1), MachineLimits.MeasureFmaFlopsPerSecond()),
        (MachineLimits.MeasureInt8OpsPerSecond(1), MachineLimits.MeasureInt8OpsPerSecond()));

    /// <summary>What bounds work that reads and computes: the one that takes longer.</summary>
    /// <param name="bytes">Bytes that come from memory.</param>
    /// <param name="flops">float32 operations.</param>
    public BenchmarkBound Bound(double bytes, double flops) => bytes / Read.All > flops / Fma.All
        ? new(bytes / Read.All, string.Create(CultureInfo.InvariantCulture, $"{Read.All / 1e9:F1} GB/s"))
        : new(flops / Fma.All, string.Create(CultureInfo.InvariantCulture, $"{Fma.All / 1e9:F0} GFLOP/s"));

    /// <summary>A line each.</summary>
    public IEnumerable<string> Lines()
    {
        yield return Line("read", Read, 1e9, "GB/s");
        yield return Line("float32 multiply-add", Fma, 1e9, "GFLOP/s");
        if (Int8.All > 0)
            yield return Line("int8 dot product", Int8, 1e9, "GOP/s");
    }

    /// <summary>The fields of the JSON object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteNumber("threads", Threads);
        json.WriteNumber("read_bytes_per_second", Read.All);
        json.WriteNumber("read_bytes_per_second_1_thread", Read.One);
        json.WriteNumber("fma_flops_per_second", Fma.All);
        json.WriteNumber("fma_flops_per_second_1_thread", Fma.One);
        json.WriteNumber("int8_ops_per_second", Int8.All);
        json.WriteNumber("int8_ops_per_second_1_thread", Int8.One);
    }

    private string Line(string name, (double One, double All) rate, double unit, string text) => string.Create(
        CultureInfo.InvariantCulture,
        $"{name,-21}{rate.One / unit,7:F1} {text} with 1 thread, {rate.All / unit,7:F1} {text} with {Threads}");
}
