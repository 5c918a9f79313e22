namespace ElmMlx.Nn;

/// <summary>A plain embedding.</summary>
public sealed class Embedding : EmbeddingLayer, IQuantizable
{
    private readonly Parameter _weight;

    /// <summary>An embedding with the given table.</summary>
    /// <param name="weight">[V, D].</param>
    public Embedding(MlxArray weight) => _weight = AddParameter("weight", weight);

    /// <summary>A new embedding, drawn from the normal distribution with deviation 1 / √D, float32.</summary>
    /// <param name="numEmbeddings">V.</param>
    /// <param name="dims">D.</param>
    public Embedding(int numEmbeddings, int dims)
        : this(MlxRandom.Normal([numEmbeddings, dims], scale: (float)(1 / Math.Sqrt(dims))))
    {
    }

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
    /// <inheritdoc cref="IQuantizable.ToQuantized"/>
    public QuantizedEmbedding ToQuantized(int? groupSize = null, int? bits = null, string mode = "affine") =>
        new(PackedMatrix.Quantize(_weight.Value, groupSize, bits, mode));

    Module IQuantizable.ToQuantized(int? groupSize, int? bits, string mode) => ToQuantized(groupSize, bits, mode);
}
