namespace ElmMlx.Cpu;

/// <summary>A block of memory and how many nodes share it. The last one to let go frees it.</summary>
internal sealed unsafe class Buffer
{
    private Action? _free;      // null: from the allocator
    private int _count;

    /// <summary>Empty; <see cref="Allocate"/> and <see cref="Wrap"/> fill it.</summary>
    internal Buffer()
    {
    }

    /// <summary>A graph that was thrown away half-built never counts down: the collector frees its memory.</summary>
    ~Buffer() => Free();

    /// <summary>First byte; 64-byte aligned when the allocator made it.</summary>
    public byte* Pointer { get; private set; }

    /// <summary>Usable bytes.</summary>
    public long ByteCount { get; private set; }

    /// <summary>
    /// Whether one node alone holds it and the allocator owns it, so that a result may be written over it.
    /// </summary>
    public bool IsReusable => Volatile.Read(ref _count) == 1 && _free is null;

    /// <summary>New memory, not cleared, held once.</summary>
    public static Buffer Allocate(long nBytes) => New(Allocator.Allocate(nBytes), nBytes, free: null);

    /// <summary>Somebody else's memory, held once; <paramref name="free"/> runs when the last holder lets go.</summary>
    public static Buffer Wrap(void* pointer, long nBytes, Action free) => New((byte*)pointer, nBytes, free);

    public void Retain() => Interlocked.Increment(ref _count);

    public void Release()
    {
        if (Volatile.Read(ref _count) != 1 && Interlocked.Decrement(ref _count) != 0)
            return;     // the only holder has nobody to count against
        Free();
        Recycling.OfThread.Give(this);
    }

    private static Buffer New(byte* pointer, long nBytes, Action? free)
    {
        Buffer buffer = Recycling.OfThread.NewBuffer();
        buffer._free = free;
        buffer._count = 1;
        buffer.ByteCount = nBytes;
        buffer.Pointer = pointer;
        return buffer;
    }

    private void Free()
    {
        if (Pointer is null)
            return;
        if (_free is null)
            Allocator.Free(Pointer, ByteCount);
        else
            _free();
        Pointer = null;
        _free = null;
    }
}
