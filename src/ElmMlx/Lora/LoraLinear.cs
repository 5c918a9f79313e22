using ElmMlx.Nn;

namespace ElmMlx.Lora;

/// <summary>A linear layer with a low-rank adapter: <c>x Wᵀ + b + scale · (dropout(x) A) B</c>.</summary>
public sealed class LoraLinear : LinearLayer, IAdapterLayer
{
    private readonly Child<LinearLayer> _linear;
    private readonly Child<Dropout> _dropout;
    private readonly LowRank _low;

    /// <summary>Puts an adapter around a layer, which the new one owns.</summary>
    /// <param name="linear">The layer.</param>
    /// <param name="a">[in, r].</param>
    /// <param name="b">[r, out].</param>
    /// <param name="scale">Factor of the adapter's part.</param>
    /// <param name="dropout">Probability of dropout before A, in training mode.</param>
    public LoraLinear(LinearLayer linear, MlxArray a, MlxArray b, float scale, double dropout = 0)
    {
        _linear = AddChild("linear", linear);
        _dropout = AddChild("dropout", new Dropout(dropout));
        _low = new LowRank(a, b, scale, AddParameter);
    }

    /// <inheritdoc/>
    public override int InputSize => _linear.Module.InputSize;

    /// <inheritdoc/>
    public override int OutputSize => _linear.Module.OutputSize;

    /// <inheritdoc/>
    public override MlxArray? Bias => _linear.Module.Bias;

    LowRank IAdapterLayer.LowRank => _low;

    bool IAdapterLayer.HasMagnitudes => false;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x)
    {
        if (_low.IsOff)
            return _linear.Module.Forward(x);
        MlxArray low = _low.Forward(_dropout.Module.Forward(x));
        return _linear.Module.Forward(x) + low.AsType(x.DType);
    }

    /// <inheritdoc/>
    public override MlxArray DenseWeight()
    {
        MlxArray weight = _linear.Module.DenseWeight();
        if (_low.IsOff)
            return weight;
        return (weight + _low.Product().Transpose()).AsType(weight.DType);
    }
}
