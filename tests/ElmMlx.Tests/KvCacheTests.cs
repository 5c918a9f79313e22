using System.Text.Json;
using ElmMlx.Generation;
using ElmMlx.OpenElm;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Rotating and quantised caches.</summary>
public sealed class KvCacheTests
{
    private static readonly SafetensorsFile Expected = GoldenArrays.Open("mlx-lm/expected.safetensors");
    private static readonly JsonElement Numbers = GoldenArrays.Json("mlx-lm/expected.json");
    private const int Vocabulary = 320;

    // What a token sees must not depend on how the prompt arrives: mlx-lm's answers one by one are the measure for
    // every way of cutting the 40 tokens into chunks (a cache of 16 that keeps the first 4).
    [Theory]
    [InlineData(new[] { 1 })]
    [InlineData(new[] { 24, 1 })]
    [InlineData(new[] { 3, 1, 9, 1, 7, 1 })]
    [InlineData(new[] { 16, 1 })]
    [InlineData(new[] { 40 })]
    [InlineData(new[] { 2, 38 })]
    [InlineData(new[] { 20, 20 })]
    [InlineData(new[] { 7 })]
    [InlineData(new[] { 1, 2 })]
    [InlineData(new[] { 25, 3 })]
    public void Rotating_cache_gives_the_same_logits_however_the_prompt_arrives(int[] chunks)
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        using PromptCache cache = Rotating(model);
        float[] logits = FeedInChunks(model, cache, Expected.Ids("rotating.ids"), chunks);
        GoldenArrays.Close(Expected.Doubles("rotating.steps40.f32"), logits, 1e-4, string.Join('+', chunks));
    }

    // mlx-lm's own answers to chunks: up to the token where the cache overflows they are the same; from there on its
    // mask is a plain window that no longer shows the first 4 tokens, which ours does.
    [Theory]
    [InlineData("rotating.prefill24.f32", 0, 24)]
    [InlineData("rotating.p3_step1_p9_step1_p7.f32", 3, 18)]
    public void Mlx_lm_chunks_agree_until_the_cache_overflows_and_then_forget_the_first_tokens(
        string name, int first, int count)
    {
        double[] chunked = Expected.Doubles(name);
        double[] oneByOne =
            Expected.Doubles("rotating.steps40.f32")[(first * Vocabulary)..((first + count) * Vocabulary)];
        int overflow = 16 - first;
        for (int i = 0; i < count; i++)
        {
            double largest = 0;
            for (int j = i * Vocabulary; j < (i + 1) * Vocabulary; j++)
                largest = Math.Max(largest, Math.Abs(chunked[j] - oneByOne[j]));
            Assert.True(i < overflow ? largest < 1e-4 : largest > 1e-2, $"token {first + i}: {largest}");
        }
    }

    [Theory]
    [InlineData(new[] { 1 }, 40, "rotating_meta_after_40_steps")]
    [InlineData(new[] { 24, 1 }, 40, "rotating_meta_after_24_then_16")]
    [InlineData(new[] { 3, 1, 9, 1, 7 }, 21, "rotating_meta_after_3_1_9_1_7")]
    public void Rotating_cache_has_mlx_lm_meta_state(int[] chunks, int count, string name)
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        using PromptCache cache = Rotating(model);
        FeedInChunks(model, cache, Expected.Ids("rotating.ids")[..count], chunks);
        Assert.Equal(
            Numbers.GetProperty(name).EnumerateArray().Select(text => int.Parse(text.GetString()!)),
            cache[0].MetaState);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Greedy_tokens_with_a_bounded_cache_equal_mlx_lm(int prompt)
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        var options = new GenerationOptions { MaxTokens = 40, MaxKvSize = 16, EosIds = [] };
        Assert.Equal(
            Numbers.GetProperty("greedy_max_kv_size_16")[prompt].Ints(),
            new Generator(model).Generate(Numbers.GetProperty("prompts")[prompt].Ints(), options)
                .Select(step => step.Token));
    }

    [Theory]
    [InlineData("exact", 0, 0)]
    [InlineData("b8g64", 64, 8)]
    [InlineData("b8g32", 32, 8)]
    [InlineData("b4g64", 64, 4)]
    [InlineData("b4g32", 32, 4)]
    public void Quantized_cache_equals_mlx_lm(string name, int groupSize, int bits)
    {
        using OpenElmModel model = MlxLmTests.Load("micro-kv", DType.Float32);
        using var cache = new PromptCache(model.Config.Layers.Select(
            _ => bits == 0 ? (LayerCache)new KvCache() : new QuantizedKvCache(groupSize, bits)));
        int[] ids = Expected.Ids("kvq.ids");
        float[] prefill = MlxLmTests.Feed(model, cache, ids.AsSpan(0, 11));
        float[] steps = FeedInChunks(model, cache, ids[11..], [1]);
        CloseToQuantized($"kvq.{name}.prefill", prefill, bits);
        CloseToQuantized($"kvq.{name}.steps", steps, bits);
    }

    [Theory]
    [InlineData("b8g32", 32, 8)]
    [InlineData("b4g32", 32, 4)]
    public void Cache_quantized_on_the_way_equals_mlx_lm(string name, int groupSize, int bits)
    {
        using OpenElmModel model = MlxLmTests.Load("micro-kv", DType.Float32);
        using PromptCache cache = PromptCache.For(model.Config);
        int[] ids = Expected.Ids("kvq.ids");
        MlxLmTests.Feed(model, cache, ids.AsSpan(0, 12));
        cache.Quantize(groupSize, bits);
        float[] steps = FeedInChunks(model, cache, ids[12..], [1]);
        CloseToQuantized($"kvq.converted.{name}.steps", steps, bits);
    }

    [Theory]
    [InlineData("exact", null, 0)]
    [InlineData("bits8_group32_start0", 8, 0)]
    [InlineData("bits4_group32_start0", 4, 0)]
    [InlineData("bits4_group32_start12", 4, 12)]
    public void Greedy_tokens_with_a_quantized_cache_equal_mlx_lm(string name, int? bits, int start)
    {
        JsonElement expected = Numbers.GetProperty("greedy_kv_quantised");
        using OpenElmModel model = MlxLmTests.Load("micro-kv", DType.Float32);
        var options = new GenerationOptions
        {
            MaxTokens = 40,
            KvBits = bits,
            KvGroupSize = 32,
            QuantizedKvStart = start,
            EosIds = [],
        };
        for (int i = 0; i < expected.GetProperty("prompts").GetArrayLength(); i++)
            Assert.Equal(
                expected.GetProperty(name)[i].Ints(),
                new Generator(model).Generate(expected.GetProperty("prompts")[i].Ints(), options)
                    .Select(step => step.Token));
    }

    [Fact]
    public void Exact_cache_grows_past_its_step_and_forgets_what_is_trimmed()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        using PromptCache grown = PromptCache.For(model.Config), whole = PromptCache.For(model.Config);
        int[] ids = [.. Enumerable.Range(0, 300).Select(i => i * 7 % Vocabulary)];
        FeedInChunks(model, grown, ids[..250], [250]);
        float[] steps = FeedInChunks(model, grown, ids[250..], [1]);
        double[] expected =
            [.. MlxLmTests.Feed(model, whole, ids).AsSpan(250 * Vocabulary).ToArray().Select(value => (double)value)];
        GoldenArrays.Close(expected, steps, 1e-4, "past 256 tokens");

        grown.Trim(40);
        Assert.Equal(260, grown.Offset);
        float[] again = FeedInChunks(model, grown, ids[260..], [1]);
        GoldenArrays.Close(expected.AsSpan(10 * Vocabulary), again, 1e-4, "after trimming");
    }

    [Theory]
    [InlineData("exact", 1e-4)]
    [InlineData("rotating", 1e-4)]
    [InlineData("quantized", 0.2)]
    public void Cache_of_two_sequences_equals_the_full_pass(string kind, double tolerance)
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = MlxLmTests.Load("micro-kv", DType.Float32);
        using PromptCache cache = CacheOf(model, kind, 64);
        MlxArray ids = MlxArray.From<int>([.. Expected.Ids("input_ids")], 2, 37);
        MlxArray[] parts = ids.Split([9, 10, 11], 1);
        MlxArray logits = MlxArray.Concatenate(parts.Select(part => model.Forward(part, cache)), 1);
        GoldenArrays.Close(
            [.. model.Forward(ids).Floats().Select(value => (double)value)], logits.Floats(), tolerance, kind);
    }

    [Theory]
    [InlineData("exact")]
    [InlineData("rotating")]
    [InlineData("quantized")]
    public void Last_token_alone_has_the_state_it_has_among_all_and_leaves_the_same_cache(string kind)
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = MlxLmTests.Load("micro-kv", DType.Float32);
        using PromptCache whole = CacheOf(model, kind, 16), alone = CacheOf(model, kind, 16);
        MlxArray ids = MlxArray.From<int>([.. Expected.Ids("input_ids")], 2, 37);
        foreach (MlxArray part in ids.Split([9, 10, 11], 1))
        {
            MlxArray all = model.Hidden(part, whole);
            double[] expected = [.. all.Split([all.Dim(1) - 1], 1)[1].Floats().Select(value => (double)value)];
            GoldenArrays.Close(
                expected, model.HiddenOfLast(part, alone).Floats(), 1e-4, $"{kind}, {part.Dim(1)} tokens");
        }

        Assert.Equal(whole[^1].Offset, alone[^1].Offset);
        foreach ((MlxArray expected, MlxArray actual) in whole[^1].Buffers.Zip(alone[^1].Buffers))
            Assert.Equal(expected.Floats(), actual.Floats());
    }

    [Fact]
    public void Rotating_cache_that_is_not_full_forgets_what_is_trimmed()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        int[] ids = Expected.Ids("rotating.ids");
        foreach (int[] chunks in (int[][])[[1], [9, 1], [12]])
        {
            using PromptCache cache = Rotating(model);
            FeedInChunks(model, cache, [.. ids[..8], 1, 2, 3, 4], chunks);
            cache.Trim(4);
            float[] logits = FeedInChunks(model, cache, ids[8..], [1]);
            GoldenArrays.Close(
                Expected.Doubles("rotating.steps40.f32").AsSpan(8 * Vocabulary), logits, 1e-4,
                string.Join('+', chunks));
        }
    }

    [Fact]
    public void Cache_that_cannot_be_quantized_says_why()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        using var cache = new PromptCache(model.Config.Layers.Select(_ => new QuantizedKvCache(32, 8)));
        Assert.Contains(
            "head size", Assert.Throws<ArgumentException>(() => MlxLmTests.Feed(model, cache, [1, 2])).Message,
            StringComparison.Ordinal);
        using PromptCache rotating = Rotating(model);
        Assert.Throws<InvalidOperationException>(() => rotating.Quantize(32, 8));
        Assert.Throws<ArgumentException>(() => new RotatingKvCache(4, 4));
        FeedInChunks(model, rotating, Expected.Ids("rotating.ids"), [1]);
        Assert.False(rotating.IsTrimmable);
        Assert.Throws<InvalidOperationException>(() => rotating.Trim(1));
    }

    // A key or value on the border of two quantised levels falls on either side by the last bit of another summation
    // order, and then differs by a whole level. Quantising itself moves these logits by 0.02 (8 bits) and 0.3 (4 bits),
    // rms.
    private static void CloseToQuantized(string name, float[] logits, int bits)
    {
        (double largest, double rms) = bits switch { 0 => (1e-4, 1e-5), 8 => (1e-2, 2e-3), _ => (0.3, 0.05) };
        GoldenArrays.Close(Expected.Doubles(name), logits, largest, name);
        GoldenArrays.CloseOnAverage(Expected.Doubles(name), logits, rms, name);
    }

    private static PromptCache Rotating(OpenElmModel model) => CacheOf(model, "rotating", 16);

    private static PromptCache CacheOf(OpenElmModel model, string kind, int ringSize) =>
        new(model.Config.Layers.Select(_ => kind switch
        {
            "rotating" => new RotatingKvCache(ringSize, 4),
            "quantized" => new QuantizedKvCache(32, 8),
            _ => (LayerCache)new KvCache(),
        }));

    // Chunks of the given sizes; the last size repeats.
    private static float[] FeedInChunks(OpenElmModel model, PromptCache cache, int[] ids, int[] chunks)
    {
        var logits = new List<float>();
        for (int done = 0, i = 0; done < ids.Length; i++)
        {
            int count = Math.Min(chunks[Math.Min(i, chunks.Length - 1)], ids.Length - done);
            logits.AddRange(MlxLmTests.Feed(model, cache, ids.AsSpan(done, count)));
            done += count;
        }
        return [.. logits];
    }
}
