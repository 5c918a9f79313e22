namespace ElmMlx.Text;

/// <summary>Byte strings and their ids: open addressing over one block of bytes.</summary>
internal sealed class PieceTable
{
    private readonly byte[] _bytes;
    private readonly int[] _starts;
    private readonly int[] _lengths;
    private readonly int[] _ids;
    private readonly uint[] _hashes;
    private readonly uint _mask;
    private int _end;
    private int _count;

    public PieceTable(int nPieces, int nBytes)
    {
        var size = System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, nPieces * 2));
        _mask = size - 1;
        _bytes = new byte[nBytes];
        _starts = new int[size];
        _lengths = new int[size];
        _ids = new int[size];
        _hashes = new uint[size];
        Array.Fill(_lengths, -1);
    }

    public int Count => _count;

    /// <summary>Adds a piece; false where it is there already.</summary>
    public bool TryAdd(ReadOnlySpan<byte> piece, int id)
    {
        var hash = PieceHash.Of(piece);
        var slot = Slot(piece, hash);
        if (_lengths[slot] >= 0)
            return false;
        piece.CopyTo(_bytes.AsSpan(_end));
        (_starts[slot], _lengths[slot], _ids[slot], _hashes[slot]) = (_end, piece.Length, id, hash);
        _end += piece.Length;
        _count++;
        return true;
    }

    public bool TryGet(ReadOnlySpan<byte> piece, out int id)
    {
        var slot = Slot(piece, PieceHash.Of(piece));
        id = _ids[slot];
        return _lengths[slot] >= 0;
    }

    private uint Slot(ReadOnlySpan<byte> piece, uint hash)
    {
        var slot = hash & _mask;
        while (_lengths[slot] >= 0
            && !(_hashes[slot] == hash && _lengths[slot] == piece.Length
                && piece.SequenceEqual(_bytes.AsSpan(_starts[slot], piece.Length))))
            slot = (slot + 1) & _mask;
        return slot;
    }
}
