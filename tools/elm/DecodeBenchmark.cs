using System.Diagnostics;
using System.Text.Json;
using ElmMlx.Generation;
using ElmMlx.OpenElm;

namespace ElmMlx.Tools.Elm;

/// <summary>Token after token, greedily, behind what stands in the cache already.</summary>
/// <param name="tokens">Tokens that are timed.</param>
/// <param name="cached">Tokens that stand in the cache before.</param>
internal sealed class DecodeBenchmark(int tokens, int cached) : IBenchmark
{
    public IEnumerable<BenchmarkFigure> Measure(BenchmarkModel model, BenchmarkRun run)
    {
        (double Seconds, double ManagedBytes)[] runs =
            run.Trials($"decoding {tokens} behind {cached}", () => Decode(model.Loaded));
        double halfway = cached + 1 + tokens / 2.0;
        yield return BenchmarkFigure.Of(
            "decode_tokens_per_second", $"decode, {tokens} tokens, {cached} cached", BenchmarkUnit.TokensPerSecond,
            runs.Select(taken => tokens / taken.Seconds),
            run.Limits.Bound(ModelCost.DecodeBytes(model.Loaded, halfway), ModelCost.PromptFlops(model.Config, 1)));
        yield return BenchmarkFigure.Of(
            "managed_bytes_per_token", "managed allocation a token", BenchmarkUnit.Bytes,
            runs.Select(taken => taken.ManagedBytes / tokens));
    }

    public void WriteSettings(Utf8JsonWriter json) => BenchmarkCache.WriteSettings(json, tokens, cached);

    // The step after the one that is read is under way or done already, at the first token as at the last: of two
    // tokens more than are timed, one comes before the clock and one after.
    private (double Seconds, double ManagedBytes) Decode(OpenElmModel model)
    {
        using PromptCache cache = BenchmarkCache.Filled(model, cached);
        GenerationOptions options = new() { MaxTokens = tokens + 2, EosIds = [] };
        long start = 0, bytes = 0;
        double seconds = 0;
        int count = 0;
        foreach (GenerationStep _ in new Generator(model).Generate(RandomIds.Of(model.Config, 1), options, cache))
        {
            if (count == 0)
            {
                bytes = GC.GetTotalAllocatedBytes(precise: true);
                start = Stopwatch.GetTimestamp();
            }
            else if (count == tokens)
            {
                seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
                bytes = GC.GetTotalAllocatedBytes(precise: true) - bytes;
            }

            count++;
        }

        return (seconds, bytes);
    }
}
