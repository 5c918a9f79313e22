using ElmMlx.Nn;

namespace ElmMlx.Lora;

/// <summary>A linear layer with a low-rank adapter: <c>y + scale · (x A) B</c>.</summary>
public sealed class LoraLinear : LinearLayer
{
    private readonly Child<LinearLayer> _linear;
    private readonly Parameter _a;
    private readonly Parameter _b;
    private readonly float _scale;

    /// <summary>Puts an adapter around a layer, which the new one owns.</summary>
    /// <param name="linear">The layer.</param>
    /// <param name="a">[in, r].</param>
    /// <param name="b">[r, out].</param>
    /// <param name="scale">Factor of the adapter's part.</param>
    public LoraLinear(LinearLayer linear, MlxArray a, MlxArray b, float scale)
    {
        _linear = AddChild("linear", linear);
        _a = AddParameter("lora_a", a);
        _b = AddParameter("lora_b", b);
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
        return _linear.Module.Forward(x) + (low * _scale).AsType(x.DType);
    }

    /// <inheritdoc/>
    public override MlxArray DenseWeight()
    {
        MlxArray weight = _linear.Module.DenseWeight();
        return weight + (_b.Value * _scale).Transpose().MatMul(_a.Value.Transpose()).AsType(weight.DType);
    }
}
