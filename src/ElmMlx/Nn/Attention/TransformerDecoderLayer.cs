namespace ElmMlx.Nn;

/// <summary>
/// One block of a decoder: attention to itself (<c>self_attention</c>, <c>ln1</c>) and to a memory
/// (<c>cross_attention</c>, <c>ln2</c>), then two linear layers (<c>linear1</c>, <c>linear2</c>, <c>ln3</c>), all
/// around residuals; as mlx.nn.TransformerDecoderLayer.
/// </summary>
public sealed class TransformerDecoderLayer : Module
{
    private readonly Child<MultiHeadAttention> _selfAttention;
    private readonly Child<MultiHeadAttention> _crossAttention;
    private readonly Child<LayerNorm> _ln1;
    private readonly Child<LayerNorm> _ln2;
    private readonly Child<LayerNorm> _ln3;
    private readonly TransformerMlp _mlp;
    private readonly Child<Dropout> _dropout1;
    private readonly Child<Dropout> _dropout2;
    private readonly bool _normFirst;

    /// <summary>A new block.</summary>
    /// <inheritdoc cref="TransformerEncoderLayer(int, int, int?, double, Func{MlxArray, MlxArray}?, bool)"/>
    public TransformerDecoderLayer(
        int dims, int numHeads, int? mlpDims = null, double dropout = 0, Func<MlxArray, MlxArray>? activation = null,
        bool normFirst = true)
    {
        _selfAttention = AddChild("self_attention", new MultiHeadAttention(dims, numHeads));
        _crossAttention = AddChild("cross_attention", new MultiHeadAttention(dims, numHeads));
        _ln1 = AddChild("ln1", new LayerNorm(dims));
        _ln2 = AddChild("ln2", new LayerNorm(dims));
        _ln3 = AddChild("ln3", new LayerNorm(dims));
        _mlp = new TransformerMlp(
            AddChild<LinearLayer>("linear1", new Linear(dims, mlpDims ?? 4 * dims)),
            AddChild<LinearLayer>("linear2", new Linear(mlpDims ?? 4 * dims, dims)),
            AddChild("dropout3", new Dropout(dropout)),
            activation ?? Activations.Relu);
        _dropout1 = AddChild("dropout1", new Dropout(dropout));
        _dropout2 = AddChild("dropout2", new Dropout(dropout));
        _normFirst = normFirst;
    }

    /// <summary>Each element of a sequence, knowing the others and a memory.</summary>
    /// <param name="x">[B, L, D].</param>
    /// <param name="memory">What an encoder answered, [B, S, D].</param>
    /// <param name="xMask">Which elements of x one sees.</param>
    /// <param name="memoryMask">Which elements of the memory one sees.</param>
    /// <returns>[B, L, D].</returns>
    public MlxArray Forward(
        MlxArray x, MlxArray memory, AttentionMask xMask = default, AttentionMask memoryMask = default)
    {
        if (_normFirst)
        {
            x += Attend(_ln1.Module.Forward(x), xMask);
            x += Recall(_ln2.Module.Forward(x), memory, memoryMask);
            return x + _mlp.Forward(_ln3.Module.Forward(x));
        }
        x = _ln1.Module.Forward(x + Attend(x, xMask));
        x = _ln2.Module.Forward(x + Recall(x, memory, memoryMask));
        return _ln3.Module.Forward(x + _mlp.Forward(x));
    }

    private MlxArray Attend(MlxArray x, AttentionMask mask) =>
        _dropout1.Module.Forward(_selfAttention.Module.Forward(x, x, x, mask));

    private MlxArray Recall(MlxArray x, MlxArray memory, AttentionMask mask) =>
        _dropout2.Module.Forward(_crossAttention.Module.Forward(x, memory, memory, mask));
}
