using System.Numerics;
using System.Runtime.InteropServices;

namespace ElmMlx.Cpu;

/// <summary>
/// Memory for buffers, and its counters. Freed blocks wait in a cache of bounded size, one stack a block size: by default
/// it keeps what was once in use, so that a training step finds the blocks of the last one. Large blocks are aligned to
/// huge pages and ask for them.
/// </summary>
internal static unsafe partial class Allocator
{
    private const long HugePageBytes = 2 << 20;
    private const int SmallAlignmentBytes = 64;
    private const long SmallCacheBytes = 256L << 20;
    private const int AdviseHugePages = 14;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<long, Stack<nint>> Cache = [];
    private static long s_active, s_peak, s_cached, s_highest;
    private static long s_cacheLimit = -1;      // nobody has set one
    private static long s_memoryLimit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    private static long s_wiredLimit;

    /// <summary>Bytes that live buffers hold.</summary>
    public static long ActiveBytes => Volatile.Read(ref s_active);

    /// <summary>The most that <see cref="ActiveBytes"/> has been since the last <see cref="ResetPeak"/>.</summary>
    public static long PeakBytes => Volatile.Read(ref s_peak);

    /// <summary>Bytes of freed blocks kept for the next buffer of their size.</summary>
    public static long CacheBytes => Volatile.Read(ref s_cached);

    /// <summary>Above this many active bytes nothing is kept in the cache.</summary>
    public static long MemoryLimitBytes => Volatile.Read(ref s_memoryLimit);

    /// <summary>By default the cache may fill memory up to the most that was ever active, and hold 256 MiB in any case.</summary>
    private static long CacheLimitBytes =>
        s_cacheLimit >= 0 ? s_cacheLimit : Math.Max(SmallCacheBytes, s_highest - s_active);

    public static void ResetPeak()
    {
        lock (Gate)
            s_peak = 0;
    }

    /// <summary>Sets how much the cache may hold; answers the limit before.</summary>
    public static long SetCacheLimit(long nBytes)
    {
        lock (Gate)
        {
            long previous = CacheLimitBytes;
            s_cacheLimit = nBytes;
            if (s_cached > nBytes)
                ClearCache();
            return previous;
        }
    }

    /// <summary>Sets the memory limit; answers the limit before.</summary>
    public static long SetMemoryLimit(long nBytes) => Interlocked.Exchange(ref s_memoryLimit, nBytes);

    /// <summary>Remembers the limit of wired memory, which a CPU has no use for; answers the limit before.</summary>
    public static long SetWiredLimit(long nBytes) => Interlocked.Exchange(ref s_wiredLimit, nBytes);

    /// <summary>Gives all cached blocks back to the system.</summary>
    public static void ClearCache()
    {
        lock (Gate)
        {
            foreach ((long _, Stack<nint> blocks) in Cache)
            {
                while (blocks.TryPop(out nint block))
                    NativeMemory.AlignedFree((void*)block);
            }

            Cache.Clear();
            s_cached = 0;
        }
    }

    /// <summary>A block of at least <paramref name="nBytes"/>, not cleared, aligned to 64 bytes or to a huge page.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no such block.</exception>
    public static byte* Allocate(long nBytes)
    {
        long size = BlockBytes(nBytes);
        lock (Gate)
        {
            s_active += size;
            s_peak = Math.Max(s_peak, s_active);
            s_highest = Math.Max(s_highest, s_active);
            if (Cache.TryGetValue(size, out Stack<nint>? blocks) && blocks.TryPop(out nint block))
            {
                s_cached -= size;
                return (byte*)block;
            }
        }

        return New(size, nBytes);
    }

    /// <summary>Takes back a block that <see cref="Allocate"/> gave for <paramref name="nBytes"/>.</summary>
    public static void Free(byte* pointer, long nBytes)
    {
        long size = BlockBytes(nBytes);
        lock (Gate)
        {
            s_active -= size;
            long limit = CacheLimitBytes;
            if (size <= limit && s_active + s_cached <= s_memoryLimit)
            {
                if (s_cached + size > limit)
                    ClearCache();
                if (!Cache.TryGetValue(size, out Stack<nint>? blocks))
                    Cache[size] = blocks = new();
                blocks.Push((nint)pointer);
                s_cached += size;
                return;
            }
        }

        NativeMemory.AlignedFree(pointer);
    }

    /// <summary>Counts a buffer in memory that somebody else allocated, as MLX does.</summary>
    public static void Adopt(long nBytes)
    {
        lock (Gate)
        {
            s_active += nBytes;
            s_peak = Math.Max(s_peak, s_active);
        }
    }

    /// <summary>The buffer that <see cref="Adopt"/> counted is gone.</summary>
    public static void Disown(long nBytes)
    {
        lock (Gate)
            s_active -= nBytes;
    }

    /// <summary>Sizes are rounded up by at most an eighth, so that nearly equal buffers share cached blocks.</summary>
    internal static long BlockBytes(long nBytes)
    {
        if (nBytes <= SmallAlignmentBytes)
            return SmallAlignmentBytes;
        if (nBytes > long.MaxValue / 4)
            return nBytes;
        long step = (long)BitOperations.RoundUpToPowerOf2((ulong)nBytes) / 16;
        step = Math.Max(step, nBytes >= HugePageBytes ? HugePageBytes : SmallAlignmentBytes);
        return (nBytes + step - 1) / step * step;
    }

    private static byte* New(long size, long nBytes)
    {
        bool isLarge = size >= HugePageBytes;
        void* block = TryNew(size, isLarge);
        if (block is null)
        {
            ClearCache();
            block = TryNew(size, isLarge);
        }

        if (block is null)
        {
            lock (Gate)
                s_active -= size;
            throw new InsufficientMemoryException($"[malloc] Unable to allocate {nBytes} bytes.");
        }

        if (isLarge && OperatingSystem.IsLinux())
            _ = MemoryAdvise(block, (nuint)size, AdviseHugePages);
        return (byte*)block;
    }

    private static void* TryNew(long size, bool isLarge)
    {
        try
        {
            return NativeMemory.AlignedAlloc((nuint)size, isLarge ? (nuint)HugePageBytes : SmallAlignmentBytes);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MemoryAdvise(void* address, nuint nBytes, int advice);
}
