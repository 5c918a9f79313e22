namespace ElmMlx.Nn;

/// <summary>A linear layer whose matrix is quantised.</summary>
public sealed class QuantizedLinear : LinearLayer
{
    private readonly PackedParameters _matrix;
    private readonly Parameter? _bias;

    /// <summary>A layer with the given matrix.</summary>
    /// <param name="matrix">W, [out, in].</param>
    /// <param name="bias">b, [out]; none: nothing is added.</param>
    public QuantizedLinear(PackedMatrix matrix, MlxArray? bias = null)
    {
        _matrix = new PackedParameters(matrix, AddParameter);
        _bias = bias is null ? null : AddParameter("bias", bias);
    }

    /// <inheritdoc/>
    public override int InputSize => _matrix.Columns;

    /// <inheritdoc/>
    public override int OutputSize => _matrix.Rows;

    /// <summary>W; its arrays stay the layer's.</summary>
    internal PackedMatrix Matrix => _matrix.Matrix;

    /// <inheritdoc/>
    public override MlxArray? Bias => _bias?.Value;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => _bias is null ? _matrix.MatMul(x) : _matrix.MatMul(x) + _bias.Value;

    /// <inheritdoc/>
    public override MlxArray DenseWeight() => _matrix.Dequantize();
}
