using System.Diagnostics;
using System.Text.Json;
using ElmMlx.Generation;
using ElmMlx.OpenElm;

namespace ElmMlx.Tools.Elm;

/// <summary>The graphs of decoding alone: what the processor does for a token before anything is computed.</summary>
/// <param name="tokens">Tokens whose graphs are built, each upon the one before; none is ever evaluated.</param>
/// <param name="cached">Tokens that stand in the cache before.</param>
internal sealed class GraphBenchmark(int tokens, int cached) : IBenchmark
{
    public IEnumerable<BenchmarkFigure> Measure(BenchmarkModel model, BenchmarkRun run)
    {
        (double Seconds, double ManagedBytes, double ArrayBytes)[] runs =
            run.Trials($"graphs of {tokens} tokens", () => Build(model.Loaded));
        yield return BenchmarkFigure.Of(
            "graph_seconds_per_token", "graph of a token", BenchmarkUnit.Microseconds,
            runs.Select(taken => taken.Seconds / tokens));
        yield return BenchmarkFigure.Of(
            "graph_managed_bytes_per_token", "managed allocation a graph", BenchmarkUnit.Bytes,
            runs.Select(taken => taken.ManagedBytes / tokens));
        yield return BenchmarkFigure.Of(
            "graph_array_bytes_per_token", "memory of arrays a graph", BenchmarkUnit.Bytes,
            runs.Select(taken => taken.ArrayBytes / tokens));
    }

    public void WriteSettings(Utf8JsonWriter json) => BenchmarkCache.WriteSettings(json, tokens, cached);

    private (double Seconds, double ManagedBytes, double ArrayBytes) Build(OpenElmModel model)
    {
        using PromptCache cache = BenchmarkCache.Filled(model, cached);
        TokenLoop loop = new(model, cache, new GenerationOptions { EosIds = [] });
        using MlxArray first = MlxArray.From<int>(RandomIds.Of(model.Config, 1), 1);
        MlxArray token = Next(loop, first);
        long arrays = MlxMemory.ActiveBytes, managed = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        for (int n = 0; n < tokens; n++)
        {
            MlxArray former = token;
            token = Next(loop, former);
            former.Dispose();
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        managed = GC.GetAllocatedBytesForCurrentThread() - managed;
        token.Dispose();
        return (seconds, managed, MlxMemory.ActiveBytes - arrays);
    }

    private static MlxArray Next(TokenLoop loop, MlxArray token)
    {
        (MlxArray next, MlxArray logProbs) = loop.Build(token);
        logProbs.Dispose();
        return next;
    }
}
