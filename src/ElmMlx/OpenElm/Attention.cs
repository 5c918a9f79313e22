using ElmMlx.Nn;

namespace ElmMlx.OpenElm;

// Shapes: B sequences, L tokens, D model width, H query heads, G key and value heads, K head width.

/// <summary>
/// Grouped-query self-attention: one matrix makes queries, keys and values, queries and keys are normalised
/// head by head, then turned by their position.
/// </summary>
public sealed class Attention : Module
{
    private readonly OpenElmConfig _config;
    private readonly int _queryHeads;
    private readonly int _keyHeads;
    private readonly float _scale;
    private readonly Child<LinearLayer> _qkvProjection;
    private readonly Child<RmsNorm>? _queryNorm;
    private readonly Child<RmsNorm>? _keyNorm;
    private readonly Child<LinearLayer> _outputProjection;

    internal Attention(OpenElmConfig config, int layer, ModelWeights weights)
    {
        _config = config;
        _queryHeads = config.Layers[layer].QueryHeads;
        _keyHeads = config.Layers[layer].KeyValueHeads;
        _scale = 1f / MathF.Sqrt(config.HeadSize);
        string prefix = $"layers.{layer}.attn.";
        _qkvProjection = AddChild("qkv_proj", weights.Linear(prefix + "qkv_proj"));
        if (config.NormalizeQueryKey)
        {
            _queryNorm = AddChild("q_norm", weights.Norm(prefix + "q_norm", config.RmsNormEpsilon));
            _keyNorm = AddChild("k_norm", weights.Norm(prefix + "k_norm", config.RmsNormEpsilon));
        }
        _outputProjection = AddChild("out_proj", weights.Linear(prefix + "out_proj"));
    }

    /// <summary>Attends to the tokens themselves and, through the cache, to those before them.</summary>
    /// <param name="x">[B, L, D].</param>
    /// <param name="mask">Which keys a query sees.</param>
    /// <param name="cache">Keys and values so far; null for none.</param>
    /// <param name="onlyLast">Whether only the last token attends; all give keys and values.</param>
    /// <returns>[B, L, D]; of the last token [B, 1, D].</returns>
    public MlxArray Forward(MlxArray x, AttentionMask mask, LayerCache? cache, bool onlyLast = false)
    {
        int batch = x.Dim(0), length = x.Dim(1);
        MlxArray qkv = _qkvProjection.Module.Forward(x)
            .Reshape(batch, length, _queryHeads + 2 * _keyHeads, _config.HeadSize)
            .SwapAxes(1, 2);
        (MlxArray queries, MlxArray keys, MlxArray values) = qkv.Thirds(_queryHeads, _queryHeads + _keyHeads, 1);
        int queryLength = length;
        if (onlyLast && length > 1)
        {
            queryLength = 1;
            queries = queries.Slice([0, 0, length - 1, 0], [batch, _queryHeads, length, _config.HeadSize]);
            mask = mask.OfLastQuery();
        }
        if (_queryNorm is not null)
        {
            queries = _queryNorm.Module.Forward(queries);
            keys = _keyNorm!.Module.Forward(keys);
        }
        int offset = cache?.Offset ?? 0;
        queries = Fast.Rope(
            queries, _config.HeadSize, traditional: false, _config.RopeBase, 1f, offset + length - queryLength);
        keys = Fast.Rope(keys, _config.HeadSize, traditional: false, _config.RopeBase, 1f, offset);
        MlxArray attended = cache is null
            ? Fast.ScaledDotProductAttention(queries, keys, values, _scale, mask)
            : cache.Attend(queries, keys, values, _scale, mask);
        return _outputProjection.Module.Forward(
            attended.SwapAxes(1, 2).Reshape(batch, queryLength, _queryHeads * _config.HeadSize));
    }
}
