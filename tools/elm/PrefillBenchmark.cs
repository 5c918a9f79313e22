using System.Text.Json;
using ElmMlx.Generation;
using ElmMlx.OpenElm;

namespace ElmMlx.Tools.Elm;

/// <summary>From a prompt to its first token.</summary>
/// <param name="promptTokens">Tokens of the prompt.</param>
internal sealed class PrefillBenchmark(int promptTokens) : IBenchmark
{
    public IEnumerable<BenchmarkFigure> Measure(BenchmarkModel model, BenchmarkRun run)
    {
        int[] prompt = RandomIds.Of(model.Config, promptTokens);
        double[] seconds = run.Seconds($"prefill of {promptTokens}", () => FirstToken(model.Loaded, prompt));
        BenchmarkBound bound = run.Limits.Bound(
            ModelCost.DecodeBytes(model.Loaded, promptTokens), ModelCost.PromptFlops(model.Config, promptTokens));
        yield return BenchmarkFigure.Of(
            "prefill_tokens_per_second", $"prefill, {promptTokens} tokens", BenchmarkUnit.TokensPerSecond,
            seconds.Select(time => promptTokens / time), bound with { Seconds = bound.Seconds / promptTokens });
        yield return BenchmarkFigure.Of(
            "first_token_seconds", "first token", BenchmarkUnit.Milliseconds, seconds, bound);
    }

    public void WriteSettings(Utf8JsonWriter json) => json.WriteNumber("prompt_tokens", promptTokens);

    /// <summary>Processes a prompt until its first token is there.</summary>
    public static void FirstToken(OpenElmModel model, int[] prompt)
    {
        GenerationOptions options = new() { MaxTokens = 1, EosIds = [] };
        _ = new Generator(model).Generate(prompt, options).Single();
    }
}
