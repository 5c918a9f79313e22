namespace ElmMlx.Nn;

/// <summary>The three parameters of a quantised matrix, shared by the layers that have one.</summary>
internal sealed class PackedParameters
{
    private readonly Parameter _weight;
    private readonly Parameter _scales;
    private readonly Parameter? _biases;
    private readonly int _groupSize;
    private readonly int _bits;
    private readonly string _mode;

    public PackedParameters(PackedMatrix matrix, Func<string, MlxArray, Parameter> add)
    {
        _weight = add("weight", matrix.Weight);
        _scales = add("scales", matrix.Scales);
        _biases = matrix.Biases is null ? null : add("biases", matrix.Biases);
        (_groupSize, _bits, _mode) = (matrix.GroupSize, matrix.Bits, matrix.Mode);
    }

    public int Rows => _weight.Value.Dim(0);

    public int Columns => PackedMatrix.Columns(_weight.Value, _bits);

    /// <summary>The matrix; its arrays stay the module's.</summary>
    public PackedMatrix Matrix =>
        new(_weight.Value, _scales.Value, _biases?.Value, _groupSize, _bits, _mode);

    public MlxArray MatMul(MlxArray x) => Quantized.MatMul(
        x, _weight.Value, _scales.Value, _biases?.Value, transpose: true, _groupSize, _bits, _mode);

    public MlxArray Dequantize() => Quantized.Dequantize(
        _weight.Value, _scales.Value, _biases?.Value, _groupSize, _bits, _mode);

    public MlxArray DequantizeRows(MlxArray rows) => Quantized.Dequantize(
        _weight.Value.Take(rows, 0), _scales.Value.Take(rows, 0), _biases?.Value.Take(rows, 0),
        _groupSize, _bits, _mode);
}
