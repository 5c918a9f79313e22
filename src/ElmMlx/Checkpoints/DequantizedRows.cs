using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>A quantised matrix as floating rows.</summary>
internal sealed class DequantizedRows : TensorRows
{
    private readonly TensorRows _words, _scales;
    private readonly TensorRows? _biases;
    private readonly QuantizationSettings _settings;

    /// <param name="words">Packed elements.</param>
    /// <param name="scales">One a group.</param>
    /// <param name="biases">One a group, or none.</param>
    /// <param name="columns">Elements of a row.</param>
    /// <param name="settings">How it is quantised.</param>
    /// <param name="type">The type of the rows; null for that of the scales (bfloat16 when those are bytes).</param>
    public DequantizedRows(
        TensorRows words, TensorRows scales, TensorRows? biases, int columns, QuantizationSettings settings,
        TensorType? type)
        : base(words.Name, type ?? (scales.Type == TensorType.UInt8 ? TensorType.BFloat16 : scales.Type),
            [words.Rows, columns])
    {
        _words = words;
        _scales = scales;
        _biases = biases;
        _settings = settings;
    }

    public override bool UsesArrays => true;

    public override void Read(int firstRow, Span<byte> destination)
    {
        int rows = destination.Length / RowBytes;
        byte[] biases = _biases is null ? [] : ReadRows(_biases, firstRow, rows);
        MatrixQuantizer.Dequantize(
            ReadRows(_words, firstRow, rows), _words.Columns, ReadRows(_scales, firstRow, rows), biases,
            _scales.Columns, _scales.Type,
            Type, rows, _settings).CopyTo(destination);
    }

    private static byte[] ReadRows(TensorRows tensor, int firstRow, int rows)
    {
        var bytes = new byte[rows * tensor.RowBytes];
        tensor.Read(firstRow, bytes);
        return bytes;
    }
}
