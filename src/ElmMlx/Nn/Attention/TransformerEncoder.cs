namespace ElmMlx.Nn;

/// <summary>Blocks <c>layers.0</c>, <c>layers.1</c> … and a norm <c>ln</c>, as mlx.nn.TransformerEncoder.</summary>
public class TransformerEncoder : Module
{
    private readonly Child<TransformerEncoderLayer>[] _layers;
    private readonly Child<LayerNorm> _ln;
    private readonly bool _checkpoint;

    /// <summary>A new encoder.</summary>
    /// <param name="numLayers">Number of blocks.</param>
    /// <param name="dims">Width, D.</param>
    /// <param name="numHeads">Number of heads.</param>
    /// <param name="mlpDims">Width between a block's linear layers; 4 · D unless told.</param>
    /// <param name="dropout">Probability of dropout after the attention and after the activation.</param>
    /// <param name="activation">Between the linear layers; <see cref="Activations.Relu"/> unless told.</param>
    /// <param name="normFirst">Whether norms stand before the parts of a block; else behind the residuals.</param>
    /// <param name="checkpoint">
    /// Whether a block is computed again for its gradient, and nothing kept of what it computes on the way. Gradients
    /// with respect to a mask are not computed then.
    /// </param>
    public TransformerEncoder(
        int numLayers, int dims, int numHeads, int? mlpDims = null, double dropout = 0,
        Func<MlxArray, MlxArray>? activation = null, bool normFirst = true, bool checkpoint = false)
    {
        _layers = [.. Enumerable.Range(0, numLayers).Select(i => AddChild(
            $"layers.{i}", new TransformerEncoderLayer(dims, numHeads, mlpDims, dropout, activation, normFirst)))];
        _ln = AddChild("ln", new LayerNorm(dims));
        _checkpoint = checkpoint;
    }

    /// <summary>Each element of a sequence, knowing the others.</summary>
    /// <param name="x">[B, L, D].</param>
    /// <param name="mask">Which elements one sees.</param>
    /// <returns>[B, L, D].</returns>
    public virtual MlxArray Forward(MlxArray x, AttentionMask mask = default)
    {
        foreach (Child<TransformerEncoderLayer> child in _layers)
        {
            TransformerEncoderLayer layer = child.Module;
            x = _checkpoint
                ? ModuleGradients.Checkpoint(layer, inputs => [layer.Forward(inputs[0], mask)])([x])[0]
                : layer.Forward(x, mask);
        }
        return _ln.Module.Forward(x);
    }
}
