namespace ElmMlx.Nn;

/// <summary>An embedding whose table is quantised; only the rows that are asked for become floats.</summary>
public sealed class QuantizedEmbedding : EmbeddingLayer
{
    private readonly PackedParameters _matrix;

    /// <summary>An embedding with the given table.</summary>
    public QuantizedEmbedding(PackedMatrix matrix) => _matrix = new PackedParameters(matrix, AddParameter);

    /// <inheritdoc/>
    public override int Count => _matrix.Rows;

    /// <inheritdoc/>
    public override int Size => _matrix.Columns;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray ids) => _matrix.DequantizeRows(ids);

    /// <inheritdoc/>
    public override MlxArray AsLinear(MlxArray x) => _matrix.MatMul(x);

    /// <inheritdoc/>
    public override MlxArray DenseWeight() => _matrix.Dequantize();
}
