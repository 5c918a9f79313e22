using System.Runtime.InteropServices;

namespace ElmMlx.Weights;

/// <summary>
/// A block of memory that arrays share: it is freed when the last of them is gone. It starts at a huge page and asks
/// the system for such pages, which costs a fraction of the time that small ones take to touch and to read from.
/// </summary>
internal sealed unsafe partial class WeightBlock
{
    /// <summary>Bytes of a huge page of x64 and Arm processors.</summary>
    public const int HugePageBytes = 2 << 20;

    private const int AdviseHugePages = 14;

    private int _count = 1;     // the maker's

    /// <param name="byteCount">Bytes; not cleared.</param>
    public WeightBlock(long byteCount)
    {
        bool isLarge = byteCount >= HugePageBytes;
        long alignment = isLarge ? HugePageBytes : 64;
        long size = (Math.Max(byteCount, 1) + alignment - 1) / alignment * alignment;
        Start = (byte*)NativeMemory.AlignedAlloc((nuint)size, (nuint)alignment);
        if (isLarge && OperatingSystem.IsLinux())
            _ = MemoryAdvise(Start, (nuint)size, AdviseHugePages);
    }

    /// <summary>The first byte.</summary>
    public byte* Start { get; }

    /// <summary>Bytes <paramref name="offset"/> and on as an array, which holds the block until it is freed.</summary>
    public MlxArray Array(long offset, DType type, ReadOnlySpan<int> shape)
    {
        Interlocked.Increment(ref _count);
        return MlxArray.FromMemory(Start + offset, type, shape, Release);
    }

    /// <summary>The maker lets go, or an array does.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _count) == 0)
            NativeMemory.AlignedFree(Start);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MemoryAdvise(void* address, nuint nBytes, int advice);
}
