namespace ElmMlx.Nn;

/// <summary>A linear layer, <c>y = x · Wᵀ + b</c>, as mlx.nn.Linear.</summary>
public sealed class Linear : LinearLayer, IQuantizable
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    /// <summary>A layer with the given matrix.</summary>
    /// <param name="weight">W, [out, in].</param>
    /// <param name="bias">b, [out]; none: nothing is added.</param>
    public Linear(MlxArray weight, MlxArray? bias = null)
    {
        _weight = AddParameter("weight", weight);
        _bias = bias is null ? null : AddParameter("bias", bias);
    }

    /// <summary>A new layer; W and b are drawn evenly from ±1 / √in, float32.</summary>
    /// <param name="inputDims">in.</param>
    /// <param name="outputDims">out.</param>
    /// <param name="bias">Whether there is a b.</param>
    public Linear(int inputDims, int outputDims, bool bias = true)
        : this(
            Draw.Even(1 / Math.Sqrt(inputDims), outputDims, inputDims),
            bias ? Draw.Even(1 / Math.Sqrt(inputDims), outputDims) : null)
    {
    }

    /// <inheritdoc/>
    public override int InputSize => _weight.Value.Dim(1);

    /// <inheritdoc/>
    public override int OutputSize => _weight.Value.Dim(0);

    /// <inheritdoc/>
    public override MlxArray? Bias => _bias?.Value;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) =>
        _bias is null ? x.MatMul(_weight.Transposed) : _bias.Value.AddMm(x, _weight.Transposed);

    /// <inheritdoc/>
    public override MlxArray DenseWeight() => _weight.Value;

    /// <summary>The same layer with a quantised matrix; b stays as it is.</summary>
    /// <inheritdoc cref="IQuantizable.ToQuantized"/>
    public QuantizedLinear ToQuantized(int? groupSize = null, int? bits = null, string mode = "affine") =>
        new(PackedMatrix.Quantize(_weight.Value, groupSize, bits, mode), _bias?.Value.Copy());

    Module IQuantizable.ToQuantized(int? groupSize, int? bits, string mode) => ToQuantized(groupSize, bits, mode);
}
