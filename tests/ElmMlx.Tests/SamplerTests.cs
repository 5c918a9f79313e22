using System.Text.Json;
using ElmMlx.Generation;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Logits processors, filters and drawn tokens against mlx-lm.</summary>
public sealed class SamplerTests
{
    private static readonly SafetensorsFile Expected = GoldenArrays.Open("mlx-lm/expected.safetensors");
    private static readonly JsonElement Numbers = GoldenArrays.Json("mlx-lm/expected.json").GetProperty("sampling");

    public static TheoryData<string> Cases()
    {
        var data = new TheoryData<string>();
        foreach (JsonElement entry in Numbers.GetProperty("cases").EnumerateArray())
            data.Add(entry.GetProperty("name").GetString()!);
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Sampling_equals_mlx_lm(string name)
    {
        using var scope = new ArrayScope();
        JsonElement entry = Numbers.GetProperty("cases").EnumerateArray()
            .First(entry => entry.GetProperty("name").GetString() == name);
        GenerationOptions options = Options(entry);
        var sampler = new Sampler(options);
        MlxArray logits =
            MlxArray.From<float>([.. Expected.Doubles("sampling.logits").Select(value => (float)value)], 1, 320);
        int[] history = Numbers.GetProperty("history").Ints();
        MlxArray recent = MlxArray.From<int>(history, history.Length);
        foreach (LogitsProcessor processor in LogitsProcessors.Create(options))
            logits = processor(recent, logits);
        if (Expected.Tensors.ContainsKey($"sampling.{name}.processed_logits"))
            GoldenArrays.Close(
                Expected.Doubles($"sampling.{name}.processed_logits"), logits.Floats(), 2e-6, "processed logits");

        MlxArray logProbs = logits - logits.LogSumExp(keepDims: true);
        string filtered = $"sampling.{name}.{(name == "min_p0.9_keep6" ? "intended" : "filtered_logprobs")}";
        if (Expected.Tensors.ContainsKey(filtered))
        {
            MlxRandom.Seed(7);
            GoldenArrays.Close(
                Expected.Doubles(filtered), sampler.Filter(logProbs).Floats(), 1e-5, "filtered log-probabilities");
        }
        if (!entry.TryGetProperty("sampled_ids_seed7", out JsonElement ids))
            return;
        MlxRandom.Seed(7);
        Assert.Equal(ids.Ints(), Enumerable.Range(0, 24).Select(_ => (int)sampler.Sample(logProbs).Item<uint>()));
    }

    [Fact]
    public void Options_out_of_range_are_refused_by_name()
    {
        Assert.Contains("--temp", Message(new GenerationOptions { Temperature = -1 }), StringComparison.Ordinal);
        Assert.Contains("--top-p", Message(new GenerationOptions { TopP = 1.5f }), StringComparison.Ordinal);
        Assert.Contains("--min-p", Message(new GenerationOptions { MinP = float.NaN }), StringComparison.Ordinal);
        Assert.Contains(
            "--xtc-threshold", Message(new GenerationOptions { XtcThreshold = 0.6f }), StringComparison.Ordinal);
        Assert.Contains("--kv-bits", Message(new GenerationOptions { KvBits = 7 }), StringComparison.Ordinal);
        Assert.Contains("--max-kv-size", Message(new GenerationOptions { MaxKvSize = 4 }), StringComparison.Ordinal);

        static string Message(GenerationOptions options) =>
            Assert.Throws<ArgumentException>(() => new Sampler(options)).Message;
    }

    [Fact]
    public void Top_k_of_the_whole_vocabulary_filters_nothing()
    {
        using var scope = new ArrayScope();
        MlxArray logProbs = MlxArray.From<float>([-1f, -2f, -3f], 1, 3);
        Assert.Equal(
            [-1f, -2f, -3f],
            new Sampler(new GenerationOptions { Temperature = 1, TopK = 50 }).Filter(logProbs).Floats());
    }

    [Fact]
    public void Bias_of_a_token_outside_the_vocabulary_is_refused()
    {
        using var scope = new ArrayScope();
        var options = new GenerationOptions { LogitBias = new Dictionary<int, float> { [3] = 1f } };
        MlxArray logits = MlxArray.Zeros([1, 3]);
        Assert.Contains("--logit-bias", Assert.Throws<ArgumentException>(
            () => LogitsProcessors.Create(options)[0](MlxArray.From<int>([0], 1), logits))
                .Message, StringComparison.Ordinal);
    }

    internal static GenerationOptions Options(JsonElement entry)
    {
        JsonElement sampler = entry.GetProperty("sampler");
        JsonElement processors = entry.TryGetProperty("processors", out JsonElement given) ? given : sampler;
        return new GenerationOptions
        {
            Temperature = Number(sampler, "temp") ?? 0,
            TopP = Number(sampler, "top_p") ?? 0,
            MinP = Number(sampler, "min_p") ?? 0,
            MinTokensToKeep = (int)(Number(sampler, "min_tokens_to_keep") ?? 1),
            TopK = (int)(Number(sampler, "top_k") ?? 0),
            XtcProbability = Number(sampler, "xtc_probability") ?? 0,
            XtcThreshold = Number(sampler, "xtc_threshold") ?? 0,
            XtcSpecialTokens = sampler.TryGetProperty("xtc_special_tokens", out JsonElement special)
                ? special.Ints()
                : [],
            RepetitionPenalty = Number(processors, "repetition_penalty"),
            RepetitionContextSize = (int)(Number(processors, "repetition_context_size") ?? 20),
            PresencePenalty = Number(processors, "presence_penalty"),
            FrequencyPenalty = Number(processors, "frequency_penalty"),
            LogitBias = processors.TryGetProperty("logit_bias", out JsonElement bias)
                ? bias.EnumerateObject().ToDictionary(pair => int.Parse(pair.Name), pair => pair.Value.GetSingle())
                : new Dictionary<int, float>(),
        };
    }

    private static float? Number(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) ? value.GetSingle() : null;
}
