namespace ElmMlx.Cpu;

/// <summary>Bytes that arrays are read from. Counted: handles and waiting <see cref="Load"/>s hold it.</summary>
internal abstract class ByteSource : ICounted
{
    private int _count = 1;

    /// <summary>What a person calls it, for errors.</summary>
    public abstract string Label { get; }

    /// <summary>All of its bytes.</summary>
    public abstract long Length { get; }

    /// <summary>Fills <paramref name="to"/> from byte <paramref name="offset"/> on.</summary>
    /// <exception cref="IOException">There are not so many bytes, or they cannot be read.</exception>
    public abstract void Read(long offset, Span<byte> to);

    public void Retain() => Interlocked.Increment(ref _count);

    public void Release()
    {
        if (Interlocked.Decrement(ref _count) == 0)
            Close();
    }

    protected abstract void Close();
}
