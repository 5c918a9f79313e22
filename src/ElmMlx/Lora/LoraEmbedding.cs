using ElmMlx.Nn;

namespace ElmMlx.Lora;

/// <summary>
/// An embedding with a low-rank adapter, <c>row + scale · A[id] B</c>. As a tied output layer it is adapted too,
/// as in mlx-lm; that of CoreNet and of PEFT reads the table without the adapter.
/// </summary>
public sealed class LoraEmbedding : EmbeddingLayer, IAdapterLayer
{
    private readonly Child<EmbeddingLayer> _embedding;
    private readonly Child<Dropout> _dropout;
    private readonly Child<Dropout> _outputDropout;
    private readonly LowRank _low;
    private readonly bool _adaptsOutput;

    /// <summary>Puts an adapter around an embedding, which the new one owns.</summary>
    /// <param name="embedding">The embedding.</param>
    /// <param name="a">[V, r].</param>
    /// <param name="b">[r, D].</param>
    /// <param name="scale">Factor of the adapter's part.</param>
    /// <param name="dropout">Probability of dropout on the adapter's rows, in training mode.</param>
    /// <param name="adaptsOutput">Whether the tied output layer has the adapter too.</param>
    public LoraEmbedding(
        EmbeddingLayer embedding, MlxArray a, MlxArray b, float scale, double dropout = 0, bool adaptsOutput = true)
    {
        _embedding = AddChild("embedding", embedding);
        _dropout = AddChild("dropout", new Dropout(dropout));
        _outputDropout = AddChild("output_dropout", new Dropout(dropout));   // a mask of its own
        _low = new LowRank(a, b, scale, AddParameter);
        _adaptsOutput = adaptsOutput;
    }

    /// <inheritdoc/>
    public override int Count => _embedding.Module.Count;

    /// <inheritdoc/>
    public override int Size => _embedding.Module.Size;

    LowRank IAdapterLayer.LowRank => _low;

    bool IAdapterLayer.HasMagnitudes => false;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray ids)
    {
        MlxArray rows = _embedding.Module.Forward(ids);
        if (_low.IsOff)
            return rows;
        return rows + _dropout.Module.Forward(_low.Rows(ids)).AsType(rows.DType);
    }

    /// <inheritdoc/>
    public override MlxArray AsLinear(MlxArray x)
    {
        MlxArray y = _embedding.Module.AsLinear(x);
        return _adaptsOutput && !_low.IsOff
            ? y + _low.ForwardTransposed(_outputDropout.Module.Forward(x)).AsType(x.DType)
            : y;
    }

    /// <inheritdoc/>
    public override MlxArray DenseWeight()
    {
        MlxArray weight = _embedding.Module.DenseWeight();
        if (_low.IsOff)
            return weight;
        return (weight + _low.Product()).AsType(weight.DType);
    }
}
