using ElmMlx.Nn;

namespace ElmMlx.Pretraining;

/// <summary>
/// An embedding whose padding row learns nothing from being looked up (PyTorch's <c>padding_idx</c>); as a tied output
/// layer it learns like any other.
/// </summary>
internal sealed class PaddedEmbedding : EmbeddingLayer
{
    private readonly Parameter _weight;
    private readonly int _paddingId;

    /// <param name="weight">[V, D].</param>
    /// <param name="paddingId">The padding's row; −1 for none.</param>
    public PaddedEmbedding(MlxArray weight, int paddingId)
    {
        _weight = AddParameter("weight", weight);
        _paddingId = paddingId;
    }

    /// <inheritdoc/>
    public override int Count => _weight.Value.Dim(0);

    /// <inheritdoc/>
    public override int Size => _weight.Value.Dim(1);

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray ids)
    {
        MlxArray rows = _weight.Value.Take(ids, 0);                              // […, D]
        return MlxArray.Where(ids.Equal((long)_paddingId).ExpandDims(-1), rows.StopGradient(), rows);
    }

    /// <inheritdoc/>
    public override MlxArray AsLinear(MlxArray x) => x.MatMul(_weight.Transposed);

    /// <inheritdoc/>
    public override MlxArray DenseWeight() => _weight.Value;
}
