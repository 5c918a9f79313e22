using System.Numerics;
using System.Runtime.InteropServices;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>A weight with its adapter merged into it, in float32.</summary>
internal sealed class MergedRows : TensorRows
{
    private readonly TensorRows _base;
    private readonly Adapter _adapter;

    public MergedRows(TensorRows weight, Adapter adapter)
        : base(weight.Name, TensorType.Float32, weight.Shape)
    {
        _base = weight;
        _adapter = adapter;
    }

    public override bool UsesArrays => _base.UsesArrays;

    public override void Read(int firstRow, Span<byte> destination)
    {
        Span<float> rows = MemoryMarshal.Cast<byte, float>(destination);
        if (_base.Type == TensorType.Float32)
        {
            _base.Read(firstRow, destination);
        }
        else
        {
            var stored = new byte[rows.Length * _base.Type.Size()];
            _base.Read(firstRow, stored);
            TensorCast.ToFloats(_base.Type, stored, rows);
        }
        int columns = Columns;
        var delta = new float[columns];
        for (int i = 0; i * columns < rows.Length; i++)
            Merge(rows.Slice(i * columns, columns), firstRow + i, delta);
    }

    private void Merge(Span<float> row, int index, float[] delta)
    {
        Array.Clear(delta);
        int width = Vector<float>.Count;
        for (int k = 0; k < _adapter.Rank; k++)
        {
            float factor = _adapter.RowFactor[index * _adapter.Rank + k];
            ReadOnlySpan<float> column = _adapter.ColumnFactor.AsSpan(k * row.Length, row.Length);
            int i = 0;
            for (; i <= row.Length - width; i += width)
                (new Vector<float>(delta, i) + new Vector<float>(column[i..]) * factor).CopyTo(delta, i);
            for (; i < row.Length; i++)
                delta[i] += column[i] * factor;
        }
        float scale = (float)_adapter.Scale;
        double squares = 0;
        for (int i = 0; i < row.Length; i++)
        {
            row[i] += scale * delta[i];
            squares += (double)row[i] * row[i];
        }
        if (_adapter.Magnitudes is not { } magnitudes || squares == 0)
            return;
        float gain = (float)(magnitudes[index] / Math.Sqrt(squares));
        for (int i = 0; i < row.Length; i++)
            row[i] *= gain;
    }
}
