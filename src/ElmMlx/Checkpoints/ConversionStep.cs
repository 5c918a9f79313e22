using System.Runtime.InteropServices;
using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>One tensor's way: its rows in, one tensor out, or several when it is quantised.</summary>
internal sealed class ConversionStep
{
    private readonly TensorRows _rows;
    private readonly TensorType _type;
    private readonly QuantizationSettings? _quantization;
    private readonly MergedRows? _merged;
    private readonly MergeMeter? _meter;

    /// <param name="rows">The input, merged and cut to size.</param>
    /// <param name="name">The tensor's name in the output.</param>
    /// <param name="type">The floating type to write; elements that are not floating keep theirs.</param>
    /// <param name="quantization">How to quantise; null writes the rows as they are.</param>
    public ConversionStep(TensorRows rows, string name, TensorType type, QuantizationSettings? quantization)
    {
        _rows = rows;
        _type = rows.Type.IsFloating() ? type : rows.Type;
        _quantization = quantization;
        _merged = rows as MergedRows;
        _meter = _merged is null ? null : new MergeMeter();
        Outputs = quantization is null
            ? [new TensorSpec(name, _type, rows.Shape)]
            : MatrixQuantizer.Outputs(name[..^".weight".Length], _type, rows.Rows, rows.Columns, quantization);
    }

    public TensorSpec[] Outputs { get; }

    /// <summary>What merging an adapter lost in writing; null when there is none.</summary>
    public double? MergeError => _meter?.RelativeError;

    public long InputBytes => _rows.ByteCount;

    /// <summary>Whether the step computes with arrays, which belong to the calling thread.</summary>
    public bool UsesArrays => _quantization is not null || _rows.UsesArrays;

    /// <summary>Converts all rows.</summary>
    /// <param name="write">Receives the name of an output and its next elements.</param>
    /// <param name="allowOverflow">Whether finite numbers may become infinite.</param>
    /// <param name="advance">Told the bytes of input that are done.</param>
    /// <param name="cancellation">Checked between pieces.</param>
    /// <exception cref="InvalidDataException">A number does not fit the type.</exception>
    public void Run(TensorSink write, bool allowOverflow, Action<long> advance, CancellationToken cancellation)
    {
        int piece = _rows.RowsAPiece;
        bool cast = _type != _rows.Type;
        var input = new byte[piece * _rows.RowBytes];
        byte[] output = cast ? new byte[piece * _rows.Columns * _type.Size()] : input;
        for (int row = 0; row < _rows.Rows; row += piece)
        {
            cancellation.ThrowIfCancellationRequested();
            int rows = Math.Min(piece, _rows.Rows - row);
            Span<byte> elements = input.AsSpan(0, rows * _rows.RowBytes);
            _rows.Read(row, elements);
            if (cast)
            {
                Span<byte> converted = output.AsSpan(0, rows * _rows.Columns * _type.Size());
                if (!TensorCast.Convert(_rows.Type, elements, _type, converted) && !allowOverflow)
                    throw new InvalidDataException(
                        $"{_rows.Name} holds numbers that {_type.Name()} cannot: use --dtype bfloat16 or float32, or " +
                            "--allow-overflow to make them infinite.");
                elements = converted;
            }
            if (_quantization is null)
            {
                write(Outputs[0].Name, elements);
                Measure(row, input.AsSpan(0, rows * _rows.RowBytes), elements, _type);
            }
            else
            {
                byte[][] parts = MatrixQuantizer.Quantize(elements, _type, rows, _rows.Columns, _quantization);
                for (int i = 0; i < parts.Length; i++)
                    write(Outputs[i].Name, parts[i]);
                if (_meter is not null)
                    Measure(
                        row, input.AsSpan(0, rows * _rows.RowBytes),
                        MatrixQuantizer.Dequantize(parts, Outputs, rows, TensorType.Float32, _quantization),
                        TensorType.Float32);
            }
            advance((long)rows * _rows.RowBytes);
        }
    }

    private void Measure(int firstRow, ReadOnlySpan<byte> merged, ReadOnlySpan<byte> written, TensorType type)
    {
        if (_merged is null)
            return;
        ReadOnlySpan<float> exact = MemoryMarshal.Cast<byte, float>(merged);
        var before = new float[exact.Length];
        _merged.ReadBase(firstRow, before);
        var kept = new float[exact.Length];
        TensorCast.ToFloats(type, written, kept);
        _meter!.Add(before, exact, kept);
    }
}
