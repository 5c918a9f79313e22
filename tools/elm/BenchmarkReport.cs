using System.Diagnostics;
using System.Text.Json;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// Runs measurements and prints them: rows of a table as they come, or a JSON object for each <see cref="Run"/>.
/// </summary>
/// <param name="isJson">Whether to print JSON.</param>
/// <param name="trials">Runs that count.</param>
/// <param name="isOnly">
/// Whether there is one <see cref="Run"/> alone, so that the process's memory is that one's.
/// </param>
/// <param name="stop">Ends between two runs.</param>
internal sealed class BenchmarkReport(bool isJson, int trials, bool isOnly, CancellationToken stop)
{
    private bool _hasHeading;

    /// <summary>Measures the machine, then a model.</summary>
    public void Run(BenchmarkModel model, params IReadOnlyList<IBenchmark> benchmarks)
    {
        stop.ThrowIfCancellationRequested();
        var limits = BenchmarkLimits.Measure();
        if (!isJson && !_hasHeading)
            BenchmarkTable.WriteHeading(limits, trials);
        _hasHeading = true;

        MlxMemory.ResetPeak();
        BenchmarkRun run = new(limits, trials, stop);
        List<BenchmarkFigure> figures = [];
        foreach (IBenchmark benchmark in benchmarks)
            foreach (BenchmarkFigure figure in benchmark.Measure(model, run))
                Add(figure);
        long arrays = Math.Max(MlxMemory.PeakBytes, MlxMemory.ActiveBytes);     // MLX's peak begins at 0
        Add(BenchmarkFigure.Of("peak_memory_bytes", "most memory of arrays", BenchmarkUnit.Megabytes, [arrays]));
        if (isOnly)
        {
            using var process = Process.GetCurrentProcess();
            double bytes = process.PeakWorkingSet64;
            Add(BenchmarkFigure.Of(
                "process_peak_bytes", "most memory of the process", BenchmarkUnit.Megabytes, [bytes]));
        }

        if (isJson)
            Console.WriteLine(JsonText.Object(json => Write(json, model, limits, benchmarks, figures)));

        void Add(BenchmarkFigure figure)
        {
            figures.Add(figure);
            if (!isJson)
                BenchmarkTable.Write(model, figure);
        }
    }

    private void Write(
        Utf8JsonWriter json, BenchmarkModel model, BenchmarkLimits limits, IReadOnlyList<IBenchmark> benchmarks,
        List<BenchmarkFigure> figures)
    {
        json.WriteString("model", model.Config.ModelName);
        json.WriteString("weights", model.Format);
        json.WriteString("provider", MlxRuntime.Provider.Kind.ToString().ToLowerInvariant());
        json.WriteNumber("trials", trials);
        if (model.WeightBytes is { } bytes)
            json.WriteNumber("weight_bytes", bytes);
        foreach (IBenchmark benchmark in benchmarks)
            benchmark.WriteSettings(json);
        foreach (BenchmarkFigure figure in figures)
            figure.Write(json);
        limits.Write(json);
    }
}
