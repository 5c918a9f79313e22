using ElmMlx.Nn;

namespace ElmMlx.Lora;

/// <summary>
/// A linear layer with a low-rank adapter whose rows are scaled to learned lengths:
/// <c>m / ‖W + scale · (A B)ᵀ‖ · (x Wᵀ + scale · (dropout(x) A) B)</c>, plus the layer's bias where it has one.
/// </summary>
public sealed class DoraLinear : LinearLayer, IAdapterLayer
{
    private readonly Child<LinearLayer> _linear;
    private readonly Child<Dropout> _dropout;
    private readonly LowRank _low;
    private readonly Parameter _magnitude;

    /// <summary>Puts an adapter around a layer, which the new one owns.</summary>
    /// <param name="linear">The layer.</param>
    /// <param name="a">[in, r].</param>
    /// <param name="b">[r, out].</param>
    /// <param name="magnitude">Length of each row of the adapted matrix, [out].</param>
    /// <param name="scale">Factor of the adapter's part.</param>
    /// <param name="dropout">Probability of dropout before A, in training mode.</param>
    public DoraLinear(
        LinearLayer linear, MlxArray a, MlxArray b, MlxArray magnitude, float scale, double dropout = 0)
    {
        _linear = AddChild("linear", linear);
        _dropout = AddChild("dropout", new Dropout(dropout));
        _low = new LowRank(a, b, scale, AddParameter);
        _magnitude = AddParameter("m", magnitude);
    }

    /// <inheritdoc/>
    public override int InputSize => _linear.Module.InputSize;

    /// <inheritdoc/>
    public override int OutputSize => _linear.Module.OutputSize;

    /// <inheritdoc/>
    public override MlxArray? Bias => _linear.Module.Bias;

    LowRank IAdapterLayer.LowRank => _low;

    bool IAdapterLayer.HasMagnitudes => true;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x)
    {
        if (_low.IsOff)
            return _linear.Module.Forward(x);
        // The length is a constant to gradients, as in the paper.
        MlxArray adapted = _linear.Module.DenseWeight() + _low.ConstantProduct().Transpose();
        MlxArray low = _low.Forward(_dropout.Module.Forward(x));
        MlxArray y = _linear.Module.Forward(x) + low.AsType(x.DType);
        MlxArray stretch = (_magnitude.Value / RowNorms.Of(adapted)).AsType(x.DType);
        return Bias is { } bias ? stretch * (y - bias) + bias : stretch * y;
    }

    /// <inheritdoc/>
    public override MlxArray DenseWeight()
    {
        MlxArray weight = _linear.Module.DenseWeight();
        if (_low.IsOff)
            return weight;
        MlxArray adapted = weight + _low.Product().Transpose();
        return ((_magnitude.Value / RowNorms.Of(adapted)).ExpandDims(1) * adapted).AsType(weight.DType);
    }
}
