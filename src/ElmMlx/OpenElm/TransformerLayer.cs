using ElmMlx.Nn;

namespace ElmMlx.OpenElm;

/// <summary><c>h = x + attn(attn_norm(x))</c>, then <c>h + ffn(ffn_norm(h))</c>.</summary>
public sealed class TransformerLayer : Module
{
    private readonly Child<Attention> _attention;
    private readonly Child<FeedForward> _feedForward;
    private readonly Child<RmsNorm> _feedForwardNorm;
    private readonly Child<RmsNorm> _attentionNorm;

    internal TransformerLayer(OpenElmConfig config, int layer, ModelWeights weights)
    {
        _attention = AddChild("attn", new Attention(config, layer, weights));
        _feedForward = AddChild("ffn", new FeedForward(config, layer, weights));
        _feedForwardNorm = AddChild("ffn_norm", weights.Norm($"layers.{layer}.ffn_norm", config.RmsNormEpsilon));
        _attentionNorm = AddChild("attn_norm", weights.Norm($"layers.{layer}.attn_norm", config.RmsNormEpsilon));
    }

    /// <summary>One layer.</summary>
    /// <param name="x">[B, L, D].</param>
    /// <param name="mask">Which keys a query sees.</param>
    /// <param name="cache">This layer's keys and values so far; null for none.</param>
    /// <returns>[B, L, D].</returns>
    public MlxArray Forward(MlxArray x, AttentionMask mask, LayerCache? cache)
    {
        MlxArray h = x + _attention.Module.Forward(_attentionNorm.Module.Forward(x), mask, cache);
        return h + _feedForward.Module.Forward(_feedForwardNorm.Module.Forward(h));
    }
}
