using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>
/// A tensor that is handed out row by row, so that conversion never needs more of it than a piece. A vector is a matrix
/// of one column.
/// </summary>
internal abstract class TensorRows
{
    protected TensorRows(string name, TensorType type, IReadOnlyList<int> shape)
    {
        Name = name;
        Type = type;
        Shape = shape;
    }

    /// <summary>CoreNet's name, for messages.</summary>
    public string Name { get; }

    public TensorType Type { get; }

    public IReadOnlyList<int> Shape { get; }

    public int Rows => Shape.Count == 0 ? 1 : Shape[0];

    /// <summary>Elements of one row.</summary>
    public int Columns
    {
        get
        {
            int columns = 1;
            for (int i = 1; i < Shape.Count; i++)
                columns = checked(columns * Shape[i]);
            return columns;
        }
    }

    public int RowBytes => checked(Columns * Type.Size());

    public long ByteCount => (long)Rows * RowBytes;

    /// <summary>Rows that fill a piece of a few megabytes.</summary>
    public int RowsAPiece => (int)Math.Clamp(PieceBytes / Math.Max(1, RowBytes), 1, Math.Max(1, Rows));

    /// <summary>Whether reading computes with arrays, which belong to the thread that made them.</summary>
    public virtual bool UsesArrays => false;

    /// <summary>Fills the destination with whole rows, from <paramref name="firstRow"/> on.</summary>
    public abstract void Read(int firstRow, Span<byte> destination);

    internal const int PieceBytes = 2 << 20;
}
