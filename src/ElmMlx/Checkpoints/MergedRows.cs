using System.Runtime.InteropServices;
using ElmMlx.Lora;
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
        ReadBase(firstRow, rows);
        int columns = Columns;
        for (int i = 0; i * columns < rows.Length; i++)
            _adapter.Merge(rows.Slice(i * columns, columns), firstRow + i);
    }

    /// <summary>Fills the destination with whole rows as they are without the adapter.</summary>
    public void ReadBase(int firstRow, Span<float> rows)
    {
        var stored = new byte[rows.Length * _base.Type.Size()];
        _base.Read(firstRow, stored);
        TensorCast.ToFloats(_base.Type, stored, rows);
    }
}
