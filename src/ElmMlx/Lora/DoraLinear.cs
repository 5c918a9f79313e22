using ElmMlx.Nn;

namespace ElmMlx.Lora;

/// <summary>
/// A linear layer with a low-rank adapter whose rows are scaled to learned lengths:
/// <c>m / ‖W + scale · (A B)ᵀ‖ · (x Wᵀ + scale · (x A) B)</c>.
/// </summary>
public sealed class DoraLinear : LinearLayer
{
    private readonly Child<LinearLayer> _linear;
    private readonly Parameter _a;
    private readonly Parameter _b;
    private readonly Parameter _magnitude;
    private readonly float _scale;

    /// <summary>Puts an adapter around a layer, which the new one owns.</summary>
    /// <param name="linear">The layer.</param>
    /// <param name="a">[in, r].</param>
    /// <param name="b">[r, out].</param>
    /// <param name="magnitude">Length of each row of the adapted matrix, [out].</param>
    /// <param name="scale">Factor of the adapter's part.</param>
    public DoraLinear(LinearLayer linear, MlxArray a, MlxArray b, MlxArray magnitude, float scale)
    {
        _linear = AddChild("linear", linear);
        _a = AddParameter("lora_a", a);
        _b = AddParameter("lora_b", b);
        _magnitude = AddParameter("m", magnitude);
        _scale = scale;
    }

    /// <inheritdoc/>
    public override int InputSize => _linear.Module.InputSize;

    /// <inheritdoc/>
    public override int OutputSize => _linear.Module.OutputSize;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x)
    {
        MlxArray low = x.MatMul(_a.Value).MatMul(_b.Value);
        MlxArray y = _linear.Module.Forward(x) + (low * _scale).AsType(x.DType);
        return RowFactors(Adapted()).AsType(x.DType) * y;
    }

    /// <inheritdoc/>
    public override MlxArray DenseWeight()
    {
        MlxArray adapted = Adapted();
        return (RowFactors(adapted).ExpandDims(1) * adapted).AsType(_linear.Module.DenseWeight().DType);
    }

    // W + scale · (A B)ᵀ, [out, in], in the adapter's precision.
    private MlxArray Adapted() =>
        _linear.Module.DenseWeight() + (_b.Value * _scale).Transpose().MatMul(_a.Value.Transpose());

    // The length is a constant to gradients, as in the paper.
    private MlxArray RowFactors(MlxArray adapted) =>
        _magnitude.Value / adapted.Square().Sum(1).Sqrt().StopGradient();
}
