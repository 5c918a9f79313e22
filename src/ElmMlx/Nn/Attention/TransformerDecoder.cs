namespace ElmMlx.Nn;

/// <summary>Blocks <c>layers.0</c>, <c>layers.1</c> … and a norm <c>ln</c>, as mlx.nn.TransformerDecoder.</summary>
public class TransformerDecoder : Module
{
    private readonly Child<TransformerDecoderLayer>[] _layers;
    private readonly Child<LayerNorm> _ln;
    private readonly bool _checkpoint;

    /// <summary>A new decoder.</summary>
    /// <inheritdoc cref="TransformerEncoder(int, int, int, int?, double, Func{MlxArray, MlxArray}?, bool, bool)"/>
    public TransformerDecoder(
        int numLayers, int dims, int numHeads, int? mlpDims = null, double dropout = 0,
        Func<MlxArray, MlxArray>? activation = null, bool normFirst = true, bool checkpoint = false)
    {
        _layers = [.. Enumerable.Range(0, numLayers).Select(i => AddChild(
            $"layers.{i}", new TransformerDecoderLayer(dims, numHeads, mlpDims, dropout, activation, normFirst)))];
        _ln = AddChild("ln", new LayerNorm(dims));
        _checkpoint = checkpoint;
    }

    /// <summary>Each element of a sequence, knowing the others and a memory.</summary>
    /// <param name="x">[B, L, D].</param>
    /// <param name="memory">What an encoder answered, [B, S, D].</param>
    /// <param name="xMask">Which elements of x one sees.</param>
    /// <param name="memoryMask">Which elements of the memory one sees.</param>
    /// <returns>[B, L, D].</returns>
    public virtual MlxArray Forward(
        MlxArray x, MlxArray memory, AttentionMask xMask = default, AttentionMask memoryMask = default)
    {
        foreach (Child<TransformerDecoderLayer> child in _layers)
        {
            TransformerDecoderLayer layer = child.Module;
            x = _checkpoint
                ? ModuleGradients.Checkpoint(
                    layer, inputs => [layer.Forward(inputs[0], inputs[1], xMask, memoryMask)])([x, memory])[0]
                : layer.Forward(x, memory, xMask, memoryMask);
        }
        return _ln.Module.Forward(x);
    }
}
