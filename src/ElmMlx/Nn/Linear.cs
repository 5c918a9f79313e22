namespace ElmMlx.Nn;

/// <summary>A linear layer without bias.</summary>
public sealed class Linear : LinearLayer
{
    private readonly Parameter _weight;

    /// <summary>A layer with the given matrix.</summary>
    /// <param name="weight">[out, in].</param>
    public Linear(MlxArray weight) => _weight = AddParameter("weight", weight);

    /// <inheritdoc/>
    public override int InputSize => _weight.Value.Dim(1);

    /// <inheritdoc/>
    public override int OutputSize => _weight.Value.Dim(0);

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => x.MatMul(_weight.Transposed);

    /// <inheritdoc/>
    public override MlxArray DenseWeight() => _weight.Value;

    /// <summary>The same layer with a quantised matrix.</summary>
    /// <param name="groupSize">Elements of a row that share one scale.</param>
    /// <param name="bits">Bits an element.</param>
    /// <param name="mode">MLX's mode, for example <c>affine</c>.</param>
    public QuantizedLinear Quantize(int groupSize, int bits, string mode) =>
        new(PackedMatrix.Quantize(_weight.Value, groupSize, bits, mode));
}
