namespace ElmMlx.Checkpoints;

/// <summary>More rows than there are: the others are zero. Or fewer: the rest is left out.</summary>
internal sealed class ResizedRows : TensorRows
{
    private readonly TensorRows _rows;

    public ResizedRows(TensorRows rows, int count)
        : base(rows.Name, rows.Type, [count, .. rows.Shape.Skip(1)]) => _rows = rows;

    public override bool UsesArrays => _rows.UsesArrays;

    public override void Read(int firstRow, Span<byte> destination)
    {
        int available = Math.Max(0, Math.Min(destination.Length / RowBytes, _rows.Rows - firstRow)) * RowBytes;
        if (available > 0)
            _rows.Read(firstRow, destination[..available]);
        destination[available..].Clear();
    }
}
