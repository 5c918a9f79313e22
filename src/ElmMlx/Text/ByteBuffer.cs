namespace ElmMlx.Text;

/// <summary>Bytes that grow; reused from call to call.</summary>
internal sealed class ByteBuffer
{
    private byte[] _bytes = new byte[256];

    public int Length { get; set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Grow(bytes.Length));
        Length += bytes.Length;
    }

    /// <summary>
    /// Room for at least <paramref name="nBytes"/> more; the caller raises <see cref="Length"/>.
    /// </summary>
    public Span<byte> Grow(int nBytes)
    {
        if (_bytes.Length - Length < nBytes)
            Array.Resize(ref _bytes, checked(Math.Max(_bytes.Length * 2, Length + nBytes)));
        return _bytes.AsSpan(Length);
    }
}
