namespace ElmMlx.Nn;

/// <summary>A plain embedding.</summary>
public sealed class Embedding : EmbeddingLayer
{
    private readonly Parameter _weight;

    /// <summary>An embedding with the given table.</summary>
    /// <param name="weight">[V, D].</param>
    public Embedding(MlxArray weight) => _weight = AddParameter("weight", weight);

    /// <inheritdoc/>
    public override int Count => _weight.Value.Dim(0);

    /// <inheritdoc/>
    public override int Size => _weight.Value.Dim(1);

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray ids) => _weight.Value.Take(ids, 0);

    /// <inheritdoc/>
    public override MlxArray AsLinear(MlxArray x) => x.MatMul(_weight.Transposed);

    /// <inheritdoc/>
    public override MlxArray DenseWeight() => _weight.Value;

    /// <summary>The same embedding with a quantised table.</summary>
    /// <param name="groupSize">Elements of a row that share one scale.</param>
    /// <param name="bits">Bits an element.</param>
    /// <param name="mode">MLX's mode, for example <c>affine</c>.</param>
    public QuantizedEmbedding Quantize(int groupSize, int bits, string mode) =>
        new(PackedMatrix.Quantize(_weight.Value, groupSize, bits, mode));
}
