using ElmMlx.Nn;

namespace ElmMlx.Lora;

/// <summary>
/// An embedding with a low-rank adapter whose rows are scaled to learned lengths:
/// <c>m[id] / ‖row + scale · A[id] B‖ · (row + scale · A[id] B)</c>; as a tied output layer too, as in mlx-lm.
/// </summary>
public sealed class DoraEmbedding : EmbeddingLayer, IAdapterLayer
{
    private readonly Child<EmbeddingLayer> _embedding;
    private readonly Child<Dropout> _dropout;
    private readonly Child<Dropout> _outputDropout;
    private readonly LowRank _low;
    private readonly Parameter _magnitude;

    /// <summary>Puts an adapter around an embedding, which the new one owns.</summary>
    /// <param name="embedding">The embedding.</param>
    /// <param name="a">[V, r].</param>
    /// <param name="b">[r, D].</param>
    /// <param name="magnitude">Length of each row of the adapted table, [V].</param>
    /// <param name="scale">Factor of the adapter's part.</param>
    /// <param name="dropout">Probability of dropout on the adapter's rows, in training mode.</param>
    public DoraEmbedding(
        EmbeddingLayer embedding, MlxArray a, MlxArray b, MlxArray magnitude, float scale, double dropout = 0)
    {
        _embedding = AddChild("embedding", embedding);
        _dropout = AddChild("dropout", new Dropout(dropout));
        _outputDropout = AddChild("output_dropout", new Dropout(dropout));   // a mask of its own
        _low = new LowRank(a, b, scale, AddParameter);
        _magnitude = AddParameter("m", magnitude);
    }

    /// <inheritdoc/>
    public override int Count => _embedding.Module.Count;

    /// <inheritdoc/>
    public override int Size => _embedding.Module.Size;

    LowRank IAdapterLayer.LowRank => _low;

    bool IAdapterLayer.HasMagnitudes => true;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray ids)
    {
        MlxArray rows = _embedding.Module.Forward(ids);                              // […, D]
        if (_low.IsOff)
            return rows;
        MlxArray low = _low.Rows(ids);
        MlxArray norms = RowNorms.Of((rows + low).StopGradient());                   // […]
        MlxArray y = rows + _dropout.Module.Forward(low).AsType(rows.DType);
        return (_magnitude.Value.Take(ids, 0) / norms).ExpandDims(-1).AsType(rows.DType) * y;
    }

    /// <inheritdoc/>
    public override MlxArray AsLinear(MlxArray x)
    {
        if (_low.IsOff)
            return _embedding.Module.AsLinear(x);
        MlxArray norms = RowNorms.Of(_embedding.Module.DenseWeight() + _low.ConstantProduct());   // [V]
        MlxArray low = _low.ForwardTransposed(_outputDropout.Module.Forward(x));
        MlxArray y = _embedding.Module.AsLinear(x) + low.AsType(x.DType);
        return (_magnitude.Value / norms).AsType(x.DType) * y;
    }

    /// <inheritdoc/>
    public override MlxArray DenseWeight()
    {
        MlxArray weight = _embedding.Module.DenseWeight();
        if (_low.IsOff)
            return weight;
        MlxArray adapted = weight + _low.Product();
        return ((_magnitude.Value / RowNorms.Of(adapted)).ExpandDims(1) * adapted).AsType(weight.DType);
    }
}
