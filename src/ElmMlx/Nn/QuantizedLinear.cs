namespace ElmMlx.Nn;

/// <summary>A linear layer whose matrix is quantised.</summary>
public sealed class QuantizedLinear : LinearLayer
{
    private readonly PackedParameters _matrix;

    /// <summary>A layer with the given matrix.</summary>
    public QuantizedLinear(PackedMatrix matrix) => _matrix = new PackedParameters(matrix, AddParameter);

    /// <inheritdoc/>
    public override int InputSize => _matrix.Columns;

    /// <inheritdoc/>
    public override int OutputSize => _matrix.Rows;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => _matrix.MatMul(x);

    /// <inheritdoc/>
    public override MlxArray DenseWeight() => _matrix.Dequantize();
}
