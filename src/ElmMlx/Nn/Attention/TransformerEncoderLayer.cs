namespace ElmMlx.Nn;

/// <summary>
/// One block of an encoder: attention to itself (<c>attention</c>, <c>ln1</c>), then two linear layers
/// (<c>linear1</c>, <c>linear2</c>, <c>ln2</c>), both around a residual; as mlx.nn.TransformerEncoderLayer.
/// </summary>
public sealed class TransformerEncoderLayer : Module
{
    private readonly Child<MultiHeadAttention> _attention;
    private readonly Child<LayerNorm> _ln1;
    private readonly Child<LayerNorm> _ln2;
    private readonly TransformerMlp _mlp;
    private readonly Child<Dropout> _dropout1;
    private readonly bool _normFirst;

    /// <summary>A new block.</summary>
    /// <param name="dims">Width, D.</param>
    /// <param name="numHeads">Number of heads.</param>
    /// <param name="mlpDims">Width between the linear layers; 4 · D unless told.</param>
    /// <param name="dropout">Probability of dropout after the attention and after the activation.</param>
    /// <param name="activation">Between the linear layers; <see cref="Activations.Relu"/> unless told.</param>
    /// <param name="normFirst">Whether norms stand before the two parts; else behind the residuals.</param>
    public TransformerEncoderLayer(
        int dims, int numHeads, int? mlpDims = null, double dropout = 0, Func<MlxArray, MlxArray>? activation = null,
        bool normFirst = true)
    {
        _attention = AddChild("attention", new MultiHeadAttention(dims, numHeads));
        _ln1 = AddChild("ln1", new LayerNorm(dims));
        _ln2 = AddChild("ln2", new LayerNorm(dims));
        _mlp = new TransformerMlp(
            AddChild<LinearLayer>("linear1", new Linear(dims, mlpDims ?? 4 * dims)),
            AddChild<LinearLayer>("linear2", new Linear(mlpDims ?? 4 * dims, dims)),
            AddChild("dropout2", new Dropout(dropout)),
            activation ?? Activations.Relu);
        _dropout1 = AddChild("dropout1", new Dropout(dropout));
        _normFirst = normFirst;
    }

    /// <summary>Each element of a sequence, knowing the others.</summary>
    /// <param name="x">[B, L, D].</param>
    /// <param name="mask">Which elements one sees.</param>
    /// <returns>[B, L, D].</returns>
    public MlxArray Forward(MlxArray x, AttentionMask mask = default)
    {
        if (_normFirst)
        {
            x += Attend(_ln1.Module.Forward(x), mask);
            return x + _mlp.Forward(_ln2.Module.Forward(x));
        }
        x = _ln1.Module.Forward(x + Attend(x, mask));
        return _ln2.Module.Forward(x + _mlp.Forward(x));
    }

    private MlxArray Attend(MlxArray x, AttentionMask mask) =>
        _dropout1.Module.Forward(_attention.Module.Forward(x, x, x, mask));
}
