using System.Diagnostics;
using System.Text.Json;
using ElmMlx.OpenElm;

namespace ElmMlx.Tools.Elm;

/// <summary>From a model folder to the first token of a short prompt, the files being in the system's cache.</summary>
internal sealed class LoadBenchmark : IBenchmark
{
    private const int PromptTokens = 32;

    public IEnumerable<BenchmarkFigure> Measure(BenchmarkModel model, BenchmarkRun run)
    {
        int[] prompt = RandomIds.Of(model.Config, PromptTokens);
        using BenchmarkFolder folder = model.Folder();
        long bytes = folder.ByteCount;
        (double Load, double FirstToken)[] runs = run.Trials("loading", () => Load(model, folder.Path, prompt));
        yield return BenchmarkFigure.Of(
            "load_seconds", "load", BenchmarkUnit.Milliseconds, runs.Select(taken => taken.Load));
        yield return BenchmarkFigure.Of(
            "load_to_first_token_seconds", $"load to first token of {PromptTokens}", BenchmarkUnit.Milliseconds,
            runs.Select(taken => taken.FirstToken),
            run.Limits.Bound(bytes, ModelCost.PromptFlops(model.Config, PromptTokens)));
    }

    public void WriteSettings(Utf8JsonWriter json) => json.WriteNumber("prompt_tokens", PromptTokens);

    private static (double Load, double FirstToken) Load(BenchmarkModel model, string path, int[] prompt)
    {
        MlxMemory.ClearCache();     // a process that has just started has no memory of former models
        long start = Stopwatch.GetTimestamp();
        using OpenElmModel loaded = model.Load(path);
        double load = Stopwatch.GetElapsedTime(start).TotalSeconds;
        PrefillBenchmark.FirstToken(loaded, prompt);
        return (load, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }
}
