using System.Text.Json;
using ElmMlx.OpenElm;

namespace ElmMlx.Tools.Elm;

/// <summary>Caches that hold tokens although no prompt was processed: random keys and values.</summary>
internal static class BenchmarkCache
{
    /// <summary>The type of a model's keys and values.</summary>
    public static DType TypeOf(OpenElmModel model) =>
        model.NamedParameters().First(entry => entry.Path == "norm.weight").Parameter.Value.DType;

    /// <summary>What is decoded behind a cache, as fields.</summary>
    /// <param name="json">An object.</param>
    /// <param name="tokens">Tokens that are decoded.</param>
    /// <param name="cached">Tokens that stand in the cache before.</param>
    public static void WriteSettings(Utf8JsonWriter json, int tokens, int cached)
    {
        json.WriteNumber("generated_tokens", tokens);
        json.WriteNumber("cache_tokens", cached);
    }

    /// <summary>A cache with tokens in it, evaluated.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokens">How many; 0 leaves it empty.</param>
    public static PromptCache Filled(OpenElmModel model, int tokens)
    {
        var cache = PromptCache.For(model.Config);
        if (tokens == 0)
            return cache;
        DType type = TypeOf(model);
        int width = model.Config.HeadSize;
        MlxRandom.Seed(7);
        for (int i = 0; i < cache.Count; i++)
        {
            using ArrayScope scope = new();
            OpenElmLayer layer = model.Config.Layers[i];
            MlxArray keys = MlxRandom.Normal([1, layer.KeyValueHeads, tokens, width], type);
            MlxArray values = MlxRandom.Normal([1, layer.KeyValueHeads, tokens, width], type);
            MlxArray query = MlxArray.Zeros([1, layer.QueryHeads, 1, width], type);
            cache[i].Attend(query, keys, values, 1, AttentionMask.None);       // what it answers is never evaluated
        }

        cache.Eval();
        return cache;
    }
}
