using System.Diagnostics;
using System.Text.Json;
using ElmMlx.Checkpoints;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// What mlx-convert does with a model folder, flushing to disk included; the input is in the system's cache.
/// </summary>
internal sealed class ConvertBenchmark : IBenchmark
{
    public IEnumerable<BenchmarkFigure> Measure(BenchmarkModel model, BenchmarkRun run)
    {
        using BenchmarkFolder input = model.Folder(isPlain: true);
        string output = Directory.CreateTempSubdirectory("elm-benchmark-").FullName;
        try
        {
            long bytes = input.ByteCount;
            double[] seconds = run.Trials(
                "converting", () => Convert(input.Path, Path.Combine(output, "model"), model.Bits));
            yield return BenchmarkFigure.Of("convert_seconds", "convert", BenchmarkUnit.Milliseconds, seconds);
            yield return BenchmarkFigure.Of(
                "convert_bytes_per_second", "convert, bytes read", BenchmarkUnit.GigabytesPerSecond,
                seconds.Select(time => bytes / time));
        }
        finally
        {
            Directory.Delete(output, recursive: true);
        }
    }

    public void WriteSettings(Utf8JsonWriter json)
    {
    }

    private static double Convert(string input, string output, int? bits)
    {
        if (Directory.Exists(output))
            Directory.Delete(output, recursive: true);
        ConvertOptions options = new()
        {
            Input = input,
            Output = output,
            Quantize = bits is not null,
            QuantizationBits = bits,
            QuantizationGroupSize = bits is null ? null : 64,
        };
        long start = Stopwatch.GetTimestamp();
        Converter.Convert(options);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
