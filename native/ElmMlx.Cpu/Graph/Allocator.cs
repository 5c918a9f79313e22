using System.Numerics;
using System.Runtime.InteropServices;

namespace ElmMlx.Cpu;

/// <summary>
/// Memory for buffers, and its counters. Freed blocks wait in a cache of bounded size, one stack a block size: by
/// default it keeps what was once in use, so that a training step finds the blocks of the last one. What has waited
/// longest goes first. Large blocks are aligned to huge pages and ask for them.
/// </summary>
internal static unsafe partial class Allocator
{
    private const long HugePageBytes = 2 << 20;
    private const int SmallAlignmentBytes = 64;
    private const long SmallCacheBytes = 256L << 20;
    private const int AdviseHugePages = 14;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<long, Blocks> Cache = [];
    private static long s_active, s_peak, s_cached, s_highest, s_uses;
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

    /// <summary>By default the cache may fill memory up to the most that was ever active, and 256 MiB more.</summary>
    private static long CacheLimitBytes =>
        s_cacheLimit >= 0 ? s_cacheLimit : SmallCacheBytes + s_highest - s_active;

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
            Evict(nBytes);
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
            Evict(0);
    }

    /// <summary>
    /// A block of at least <paramref name="nBytes"/>, not cleared, aligned to 64 bytes or to a huge page.
    /// </summary>
    /// <exception cref="InsufficientMemoryException">The system has no such block.</exception>
    public static byte* Allocate(long nBytes)
    {
        long size = BlockBytes(nBytes);
        lock (Gate)
        {
            s_active += size;
            s_peak = Math.Max(s_peak, s_active);
            s_highest = Math.Max(s_highest, s_active);
            if (Cache.TryGetValue(size, out Blocks? blocks) && blocks.Free.TryPop(out nint block))
            {
                blocks.LastUse = ++s_uses;
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
                Evict(limit - size);
                if (!Cache.TryGetValue(size, out Blocks? blocks))
                    Cache[size] = blocks = new();
                blocks.Free.Push((nint)pointer);
                blocks.LastUse = ++s_uses;
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

    /// <summary>
    /// A block that is not counted, aligned to 64 bytes or, if it is large, to a huge page, which it asks for; null if
    /// the system has none. <see cref="NativeMemory.AlignedFree"/> takes it back.
    /// </summary>
    internal static byte* TryNew(long size)
    {
        bool isLarge = size >= HugePageBytes;
        try
        {
            void* block = NativeMemory.AlignedAlloc((nuint)size, isLarge ? (nuint)HugePageBytes : SmallAlignmentBytes);
            if (isLarge && OperatingSystem.IsLinux())
                _ = MemoryAdvise(block, (nuint)size, AdviseHugePages);
            return (byte*)block;
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
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

    // Frees cached blocks of the sizes that were used longest ago. The caller holds the gate.
    private static void Evict(long limit)
    {
        while (s_cached > limit)
        {
            (long size, Blocks oldest) = Cache
                .Where(entry => entry.Value.Free.Count > 0)
                .MinBy(entry => entry.Value.LastUse);
            while (s_cached > limit && oldest.Free.TryPop(out nint block))
            {
                NativeMemory.AlignedFree((void*)block);
                s_cached -= size;
            }
        }
    }

    private static byte* New(long size, long nBytes)
    {
        byte* block = TryNew(size);
        if (block is null)
        {
            ClearCache();
            block = TryNew(size);
        }

        if (block is null)
        {
            lock (Gate)
                s_active -= size;
            throw new InsufficientMemoryException($"[malloc] Unable to allocate {nBytes} bytes.");
        }

        return block;
    }

    /// <summary>Free blocks of one size, and when one was last given or taken back.</summary>
    private sealed class Blocks
    {
        public Stack<nint> Free { get; } = new();

        public long LastUse { get; set; }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MemoryAdvise(void* address, nuint nBytes, int advice);
}
