namespace ElmMlx.OpenElm;

// Which tensors a configuration has, under CoreNet's names, and the limits every configuration keeps.
public sealed partial record OpenElmConfig
{
    internal const int MaxLayers = 256;
    internal const int MaxSize = 65_536;
    internal const int MaxFeedForwardSize = 1 << 20;
    internal const int MaxVocabulary = 1 << 20;
    internal const int MaxContext = 1 << 24;

    /// <summary>Number of weights, with the embedding counted once.</summary>
    public long ParameterCount
    {
        get
        {
            long count = 0;
            foreach ((_, int[] shape) in TensorShapes())
            {
                long size = 1;
                foreach (int dimension in shape)
                    size *= dimension;
                count += size;
            }
            return count;
        }
    }

    /// <summary>Rows of <c>attn.qkv_proj</c> in a layer: (H + 2 G) · K.</summary>
    public int QkvSize(OpenElmLayer layer) => (layer.QueryHeads + 2 * layer.KeyValueHeads) * HeadSize;

    /// <summary>Rows of <c>ffn.proj_1</c> in a layer.</summary>
    public int FirstProjectionSize(OpenElmLayer layer) =>
        FeedForwardWithGlu ? 2 * layer.FeedForwardSize : layer.FeedForwardSize;

    /// <summary>Every tensor under CoreNet's name, in CoreNet's order, with its shape.</summary>
    public IEnumerable<(string Name, int[] Shape)> TensorShapes()
    {
        yield return ("token_embeddings.weight", [VocabularySize, ModelSize]);
        for (int i = 0; i < Layers.Count; i++)
        {
            OpenElmLayer layer = Layers[i];
            string prefix = $"layers.{i}.";
            yield return (prefix + "attn.qkv_proj.weight", [QkvSize(layer), ModelSize]);
            if (NormalizeQueryKey)
            {
                yield return (prefix + "attn.q_norm.weight", [HeadSize]);
                yield return (prefix + "attn.k_norm.weight", [HeadSize]);
            }
            yield return (prefix + "attn.out_proj.weight", [ModelSize, layer.QueryHeads * HeadSize]);
            yield return (prefix + "ffn.proj_1.weight", [FirstProjectionSize(layer), ModelSize]);
            yield return (prefix + "ffn.proj_2.weight", [ModelSize, layer.FeedForwardSize]);
            yield return (prefix + "ffn_norm.weight", [ModelSize]);
            yield return (prefix + "attn_norm.weight", [ModelSize]);
        }
        yield return ("norm.weight", [ModelSize]);
        if (!TieEmbeddings)
            yield return ("classifier.weight", [VocabularySize, ModelSize]);
    }

    /// <summary>Throws when a number is outside what any OpenELM can have; returns this configuration.</summary>
    internal OpenElmConfig Checked(string source)
    {
        Require(source, "num_transformer_layers", Layers.Count, 1, MaxLayers);
        Require(source, "vocab_size", VocabularySize, 1, MaxVocabulary);
        Require(source, "model_dim", ModelSize, 1, MaxSize);
        Require(source, "head_dim", HeadSize, 1, 1024);
        Require(source, "max_context_length", MaxContextLength, 1, MaxContext);
        Require(source, "rope_max_length", RopeMaxLength, 1, MaxContext);
        Require(source, "ffn_dim_divisor", FeedForwardDivisor, 1, MaxSize);
        if (PaddingIndex is { } padding)
            Require(source, "padding_index", padding, 0, VocabularySize - 1);
        if (HeadSize % 2 != 0)
            throw new InvalidDataException($"{source}: head_dim is {HeadSize}, which rotary embeddings cannot split " +
                "in two.");
        if (!(RopeBase > 1 && float.IsFinite(RopeBase)))
            throw new InvalidDataException($"{source}: rope_freq_constant is {RopeBase}; it must be a number above 1.");
        if (!(RmsNormEpsilon >= 0 && RmsNormEpsilon < 1))
            throw new InvalidDataException($"{source}: rms_norm_eps is {RmsNormEpsilon}; it must be at least 0 and " +
                "below 1.");
        for (int i = 0; i < Layers.Count; i++)
        {
            OpenElmLayer layer = Layers[i];
            Require(source, $"num_query_heads[{i}]", layer.QueryHeads, 1, MaxSize / HeadSize);
            Require(source, $"num_kv_heads[{i}]", layer.KeyValueHeads, 1, layer.QueryHeads);
            Require(source, $"the feed-forward width of layer {i}", layer.FeedForwardSize, 1, MaxFeedForwardSize);
            if (layer.QueryHeads % layer.KeyValueHeads != 0)
                throw new InvalidDataException(
                    $"{source}: layer {i} has {layer.QueryHeads} query heads, not a multiple of its " +
                        $"{layer.KeyValueHeads} key heads.");
        }
        return this;
    }

    private static void Require(string source, string field, long value, long least, long most)
    {
        if (value < least || value > most)
            throw new InvalidDataException($"{source}: {field} is {value}; it must be from {least} to {most}.");
    }
}
