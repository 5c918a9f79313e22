namespace ElmMlx.Nn;

/// <summary>
/// A bilinear form an output, <c>yᵢ = x₂ᵀ · Wᵢ · x₁ + bᵢ</c>, as mlx.nn.Bilinear.
/// </summary>
public sealed class Bilinear : Module
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    /// <summary>A new layer; W [out, in₂, in₁] and b [out] are drawn evenly from ±1 / √in₁, float32.</summary>
    /// <param name="input1Dims">in₁.</param>
    /// <param name="input2Dims">in₂.</param>
    /// <param name="outputDims">out.</param>
    /// <param name="bias">Whether there is a b.</param>
    public Bilinear(int input1Dims, int input2Dims, int outputDims, bool bias = true)
    {
        double limit = 1 / Math.Sqrt(input1Dims);
        _weight = AddParameter("weight", Draw.Even(limit, outputDims, input2Dims, input1Dims));
        _bias = bias ? AddParameter("bias", Draw.Even(limit, outputDims)) : null;
    }

    /// <summary>The forms of pairs of vectors.</summary>
    /// <param name="x1">[…, in₁].</param>
    /// <param name="x2">[…, in₂], with the same leading axes.</param>
    /// <returns>[…, out].</returns>
    public MlxArray Forward(MlxArray x1, MlxArray x2)
    {
        MlxArray weight = _weight.Value;
        (int outputs, int in2, int in1) = (weight.Dim(0), weight.Dim(1), weight.Dim(2));
        MlxArray rows = x1.Reshape(-1, in1);                                                        // [N, in1]
        MlxArray y = rows.MatMul(weight.Reshape(outputs * in2, in1).Transpose());                   // [N, out·in2]
        y = y.Reshape(-1, outputs, in2).MatMul(x2.Reshape(-1, in2, 1)).Squeeze(-1);                 // [N, out]
        y = y.Reshape([.. x1.Shape[..^1], outputs]);
        return _bias is null ? y : y + _bias.Value;
    }
}
