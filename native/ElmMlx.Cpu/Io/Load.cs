namespace ElmMlx.Cpu;

/// <summary>An array of a source, row-major from a byte on: read when it is computed.</summary>
internal sealed class Load : Primitive
{
    private ByteSource? _source;      // null once read
    private readonly long _offset;
    private readonly bool _isSwapped;

    /// <param name="source">Held until no graph can ask for it.</param>
    /// <param name="offset">Of the first element, in bytes.</param>
    /// <param name="isSwapped">Whether the bytes of an element, or of each part of a complex one, come last
    /// first.</param>
    public Load(ByteSource source, long offset, bool isSwapped = false)
    {
        (_source, _offset, _isSwapped) = (source, offset, isSwapped);
        source.Retain();
    }

    ~Load() => _source?.Release();

    public override string Name => "Load";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0];
        ByteSource source = _source!;
        output.Allocate();
        const long Most = 1 << 30;
        long nBytes = output.Size * output.Type.Size();
        var data = (byte*)output.Data;
        for (long at = 0; at < nBytes; at += Most)
            source.Read(_offset + at, new Span<byte>(data + at, (int)Math.Min(Most, nBytes - at)));
        if (_isSwapped)
            Swap(data, nBytes, output.Type == Bindings.mlx_dtype.MLX_COMPLEX64 ? 4 : output.Type.Size());
        _source = null;
        source.Release();
    }

    private static unsafe void Swap(byte* data, long nBytes, int size)
    {
        for (long at = 0; size > 1 && at < nBytes; at += size)
            new Span<byte>(data + at, size).Reverse();
    }
}
