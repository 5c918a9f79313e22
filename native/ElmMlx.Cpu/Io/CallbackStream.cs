using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>A C program's reader or writer: functions over a descriptor, which the last holder frees.</summary>
internal sealed unsafe class CallbackStream(void* descriptor, mlx_io_vtable functions) : ByteSource
{
    private const int FromStart = 0, FromEnd = 2;       // C's SEEK_SET and SEEK_END

    private readonly Lock _gate = new();

    public void* Descriptor => descriptor;

    public override string Label => Handles.Text((byte*)functions.label(descriptor));

    public override long Length
    {
        get
        {
            lock (_gate)
            {
                nuint here = functions.tell(descriptor);
                functions.seek(descriptor, 0, FromEnd);
                nuint end = functions.tell(descriptor);
                functions.seek(descriptor, (long)here, FromStart);
                return checked((long)end);
            }
        }
    }

    /// <exception cref="IOException">The stream is closed or has failed.</exception>
    public void CheckOpen(string operation)
    {
        if (!functions.is_open(descriptor) || !functions.good(descriptor))
            throw new IOException($"[{operation}] {Label} is not open.");
    }

    public override void Read(long offset, Span<byte> to)
    {
        lock (_gate)
        {
            fixed (byte* data = to)
                functions.read_at_offset(descriptor, data, (nuint)to.Length, (nuint)offset);
            if (!functions.good(descriptor))
                throw new EndOfStreamException($"{Label} gave less than {to.Length} bytes from byte {offset} on.");
        }
    }

    /// <summary>Appends bytes.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* data = bytes)
            functions.write(descriptor, data, (nuint)bytes.Length);
        if (!functions.good(descriptor))
            throw new IOException($"{Label} took less than {bytes.Length} bytes.");
    }

    protected override void Close()
    {
        if (functions.free is not null)
            functions.free(descriptor);
    }
}
