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
    /// <param name="onlyLast">Whether only the last token goes on from here; the cache gets all.</param>
    /// <returns>[B, L, D]; of the last token [B, 1, D].</returns>
    public MlxArray Forward(MlxArray x, AttentionMask mask, LayerCache? cache, bool onlyLast = false)
    {
        MlxArray attended = _attention.Module.Forward(_attentionNorm.Module.Forward(x), mask, cache, onlyLast);
        MlxArray h = attended + (onlyLast ? OpenElmModel.LastToken(x) : x);
        return h + _feedForward.Module.Forward(_feedForwardNorm.Module.Forward(h));
    }
}
