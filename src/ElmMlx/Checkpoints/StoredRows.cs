namespace ElmMlx.Checkpoints;

/// <summary>The rows as the checkpoint holds them.</summary>
internal sealed class StoredRows : TensorRows
{
    private readonly CheckpointSource _source;
    private readonly SourceTensor _tensor;
    private byte[]? _whole;

    public StoredRows(CheckpointSource source, SourceTensor tensor)
        : base(tensor.Name, tensor.Type, tensor.Shape)
    {
        _source = source;
        _tensor = tensor;
    }

    public override void Read(int firstRow, Span<byte> destination)
    {
        if (_tensor.CanReadPieces)
        {
            _source.Read(_tensor, (long)firstRow * RowBytes, destination);
            return;
        }
        if (_whole is null)
        {
            _whole = new byte[checked((int)ByteCount)];
            _source.Read(_tensor, 0, _whole);
        }
        _whole.AsSpan(firstRow * RowBytes, destination.Length).CopyTo(destination);
        if ((long)firstRow * RowBytes + destination.Length == ByteCount)
            _whole = null;
    }
}
