namespace ElmMlx.Nn;

/// <summary>
/// A linear layer that quantises its input as well as its matrix, <c>y = q(x) · q(W)ᵀ</c>, as mlx.nn.QQLinear. It has
/// no bias.
/// </summary>
/// <remarks>
/// In training mode W is kept in full and quantised on the way, so that it has a gradient; the gradients are such
/// products too. In evaluation mode W is kept quantised. A new layer keeps W in full until
/// <see cref="Module.Train"/> is told false, so that nothing is rounded before training starts. MLX's CPU device
/// computes one row x with a quantised W, and nothing else.
/// </remarks>
public sealed class QqLinear : LinearLayer
{
    private readonly Parameter _weight;
    private readonly int _groupSize;
    private readonly int _bits;
    private readonly string _mode;
    private Parameter? _scales; // null: W is kept in full

    /// <summary>A layer with the given matrix.</summary>
    /// <param name="weight">W, [out, in], floating.</param>
    /// <param name="groupSize">Elements of a row that share one scale; null for the mode's own.</param>
    /// <param name="bits">Bits an element; null for the mode's own.</param>
    /// <param name="mode"><c>nvfp4</c> or <c>mxfp8</c>.</param>
    /// <exception cref="ArgumentException">The mode is another.</exception>
    public QqLinear(MlxArray weight, int? groupSize = null, int? bits = null, string mode = "nvfp4")
    {
        if (mode is not ("nvfp4" or "mxfp8"))
            throw new ArgumentException($"a quantised input needs mode nvfp4 or mxfp8, not {mode}", nameof(mode));
        (_groupSize, _bits) = PackedMatrix.Defaults(groupSize, bits, mode);
        _mode = mode;
        _weight = AddParameter("weight", weight);
    }

    /// <summary>A new layer; W is drawn evenly from ±1 / √in, float32.</summary>
    /// <param name="inputDims">in.</param>
    /// <param name="outputDims">out.</param>
    /// <param name="groupSize">Elements of a row that share one scale; null for the mode's own.</param>
    /// <param name="bits">Bits an element; null for the mode's own.</param>
    /// <param name="mode"><c>nvfp4</c> or <c>mxfp8</c>.</param>
    /// <exception cref="ArgumentException">The mode is another.</exception>
    public QqLinear(int inputDims, int outputDims, int? groupSize = null, int? bits = null, string mode = "nvfp4")
        : this(Draw.Even(1 / Math.Sqrt(inputDims), outputDims, inputDims), groupSize, bits, mode)
    {
    }

    /// <inheritdoc/>
    public override int InputSize =>
        _scales is null ? _weight.Value.Dim(1) : PackedMatrix.Columns(_weight.Value, _bits);

    /// <inheritdoc/>
    public override int OutputSize => _weight.Value.Dim(0);

    /// <summary>The layer with a linear layer's matrix, of which it has a copy, and its training mode.</summary>
    /// <param name="linear">It stays as it is.</param>
    /// <param name="groupSize">Elements of a row that share one scale; null for the mode's own.</param>
    /// <param name="bits">Bits an element; null for the mode's own.</param>
    /// <param name="mode"><c>nvfp4</c> or <c>mxfp8</c>.</param>
    /// <exception cref="ArgumentException">The layer has a bias, or the mode is another.</exception>
    /// <exception cref="MlxException">A row does not divide into groups.</exception>
    public static QqLinear From(Linear linear, int? groupSize = null, int? bits = null, string mode = "nvfp4")
    {
        ArgumentNullException.ThrowIfNull(linear);
        if (linear.Bias is not null)
            throw new ArgumentException("a layer whose input is quantised has no bias, and this one has");
        var layer = new QqLinear(linear.DenseWeight().Copy(), groupSize, bits, mode);
        layer.Train(linear.IsTraining);
        return layer;
    }

    /// <summary><c>q(x) · q(W)ᵀ</c>.</summary>
    /// <param name="x">[…, InputSize].</param>
    /// <returns>[…, OutputSize], in x's dtype.</returns>
    /// <exception cref="MlxException">A row does not divide into groups.</exception>
    public override MlxArray Forward(MlxArray x) =>
        Quantized.QuantizedMatMul(x, _weight.Value, _scales?.Value, _groupSize, _bits, _mode);

    /// <inheritdoc/>
    public override MlxArray DenseWeight() => _scales is null
        ? _weight.Value
        : Quantized.Dequantize(_weight.Value, _scales.Value, null, _groupSize, _bits, _mode);

    private protected override void TrainingChanged()
    {
        if (IsTraining && _scales is { } scales)
        {
            MlxArray weight = DenseWeight();
            weight.Eval();
            _weight.Replace(weight);
            _scales = null;
            RemoveParameter(scales);
        }
        else if (!IsTraining && _scales is null)
        {
            PackedMatrix packed = PackedMatrix.Quantize(_weight.Value, _groupSize, _bits, _mode);
            _weight.Replace(packed.Weight);
            _scales = AddParameter("scales", packed.Scales);
        }
    }
}
