using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>A C program's reader or writer: functions over a descriptor, which the last holder frees.</summary>
internal sealed unsafe class CallbackStream : ByteSource
{
    private const int FromStart = 0, FromEnd = 2;       // C's SEEK_SET and SEEK_END

    private readonly Lock _gate = new();
    private readonly void* _descriptor;
    private readonly mlx_io_vtable _functions;

    private CallbackStream(void* descriptor, mlx_io_vtable functions)
    {
        Guard.Given(functions.is_open, "is_open");
        Guard.Given(functions.good, "good");
        Guard.Given(functions.label, "label");
        _descriptor = descriptor;
        _functions = functions;
    }

    public void* Descriptor => _descriptor;

    /// <summary>A stream to read from.</summary>
    /// <exception cref="ArgumentException">A function that reading needs is null.</exception>
    public static CallbackStream Reader(void* descriptor, mlx_io_vtable functions)
    {
        Guard.Given(functions.tell, "tell");
        Guard.Given(functions.seek, "seek");
        Guard.Given(functions.read_at_offset, "read_at_offset");
        return new(descriptor, functions);
    }

    /// <summary>A stream to write to.</summary>
    /// <exception cref="ArgumentException">A function that writing needs is null.</exception>
    public static CallbackStream Writer(void* descriptor, mlx_io_vtable functions)
    {
        Guard.Given(functions.write, "write");
        return new(descriptor, functions);
    }

    public override string Label => Handles.Text((byte*)_functions.label(_descriptor));

    public override long Length
    {
        get
        {
            lock (_gate)
            {
                nuint here = _functions.tell(_descriptor);
                _functions.seek(_descriptor, 0, FromEnd);
                nuint end = _functions.tell(_descriptor);
                _functions.seek(_descriptor, (long)here, FromStart);
                return checked((long)end);
            }
        }
    }

    /// <exception cref="IOException">The stream is closed or has failed.</exception>
    public void CheckOpen(string operation)
    {
        if (!_functions.is_open(_descriptor) || !_functions.good(_descriptor))
            throw new IOException($"[{operation}] {Label} is not open.");
    }

    public override void Read(long offset, Span<byte> to)
    {
        lock (_gate)
        {
            fixed (byte* data = to)
                _functions.read_at_offset(_descriptor, data, (nuint)to.Length, (nuint)offset);
            if (!_functions.good(_descriptor))
                throw new EndOfStreamException($"{Label} gave less than {to.Length} bytes from byte {offset} on.");
        }
    }

    /// <summary>Appends bytes.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* data = bytes)
            _functions.write(_descriptor, data, (nuint)bytes.Length);
        if (!_functions.good(_descriptor))
            throw new IOException($"{Label} took less than {bytes.Length} bytes.");
    }

    protected override void Close()
    {
        if (_functions.free is not null)
            _functions.free(_descriptor);
    }
}
