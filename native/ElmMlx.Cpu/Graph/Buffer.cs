using System.Diagnostics.CodeAnalysis;

namespace ElmMlx.Cpu;

/// <summary>A block of memory and how many nodes share it. The last one to let go frees it.</summary>
internal sealed unsafe class Buffer
{
    private readonly Action? _free;     // null: from the allocator
    private int _count = 1;

    private Buffer(byte* pointer, long nBytes, Action? free)
    {
        Pointer = pointer;
        ByteCount = nBytes;
        _free = free;
    }

    /// <summary>A graph that was thrown away half-built never counts down: the collector frees its memory.</summary>
    ~Buffer() => Free();

    /// <summary>First byte; 64-byte aligned when the allocator made it.</summary>
    public byte* Pointer { get; private set; }

    /// <summary>Usable bytes.</summary>
    public long ByteCount { get; }

    /// <summary>Whether one node alone holds it and the allocator owns it, so that a result may be written over it.</summary>
    public bool IsReusable => Volatile.Read(ref _count) == 1 && _free is null;

    /// <summary>New memory, not cleared, held once.</summary>
    public static Buffer Allocate(long nBytes) => new(Allocator.Allocate(nBytes), nBytes, free: null);

    /// <summary>Somebody else's memory, held once; <paramref name="free"/> runs when the last holder lets go.</summary>
    public static Buffer Wrap(void* pointer, long nBytes, Action free) => new((byte*)pointer, nBytes, free);

    public void Retain() => Interlocked.Increment(ref _count);

    [SuppressMessage("Usage", "CA1816", Justification = "The last holder's Release is this class's Dispose.")]
    public void Release()
    {
        if (Interlocked.Decrement(ref _count) != 0)
            return;
        Free();
        GC.SuppressFinalize(this);
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
    }
}
