using System.Text.Json;

namespace ElmMlx.Tools.Elm;

/// <summary>One measurement.</summary>
internal interface IBenchmark
{
    /// <summary>Measures; figures come as soon as they are known.</summary>
    IEnumerable<BenchmarkFigure> Measure(BenchmarkModel model, BenchmarkRun run);

    /// <summary>The settings that belong beside the figures, as fields.</summary>
    void WriteSettings(Utf8JsonWriter json);
}
