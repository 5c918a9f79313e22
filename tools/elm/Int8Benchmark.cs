using System.Text.Json;
using ElmMlx.Cpu.Kernels;
using ElmMlx.OpenElm;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// What products of activations in bytes cost in accuracy: the logits of a text's tokens, beside those of float32.
/// </summary>
/// <param name="tokens">Tokens of the text, which go through the model one by one.</param>
internal sealed class Int8Benchmark(int tokens) : IBenchmark
{
    public IEnumerable<BenchmarkFigure> Measure(BenchmarkModel model, BenchmarkRun run)
    {
        int[] text = RandomIds.Of(model.Config, tokens);
        float[][] exact = Logits(
            model.Loaded, text, isEnabled: false), rounded = Logits(model.Loaded, text, isEnabled: true);
        yield return BenchmarkFigure.Of(
            "int8_logits_relative_error", "error of logits by int8", BenchmarkUnit.Percent,
            exact.Zip(rounded, RelativeError));
        double same = exact.Zip(rounded).Count(pair => Best(pair.First) == Best(pair.Second));
        yield return BenchmarkFigure.Of(
            "int8_same_best_token", "same best token with int8", BenchmarkUnit.Percent, [same / tokens]);
    }

    public void WriteSettings(Utf8JsonWriter json) => json.WriteBoolean("int8_activations", true);

    private static float[][] Logits(OpenElmModel model, int[] text, bool isEnabled)
    {
        bool before = Int8Activations.IsEnabled;
        try
        {
            Int8Activations.IsEnabled = isEnabled;
            using var cache = PromptCache.For(model.Config);
            return [.. text.Select(id => Next(model, id, cache))];
        }
        finally
        {
            Int8Activations.IsEnabled = before;
        }
    }

    private static float[] Next(OpenElmModel model, int id, PromptCache cache)
    {
        using ArrayScope scope = new();
        return model.Logits(model.Hidden(MlxArray.From<int>([id], 1, 1), cache)).AsType(DType.Float32).ToArray<float>();
    }

    // ‖a − b‖ / ‖a‖
    private static double RelativeError(float[] exact, float[] rounded) => Math.Sqrt(
        exact.Zip(rounded, (a, b) => (a - (double)b) * (a - (double)b)).Sum() / exact.Sum(a => (double)a * a));

    private static int Best(float[] logits) => Array.IndexOf(logits, logits.Max());
}
