using System.Runtime.InteropServices;

namespace ElmMlx.Cpu;

/// <summary>Memory for buffers, and its counters.</summary>
internal static unsafe class Allocator
{
    private static long s_active, s_peak;

    /// <summary>Bytes that live buffers hold.</summary>
    public static long ActiveBytes => Volatile.Read(ref s_active);

    /// <summary>The most that <see cref="ActiveBytes"/> has been.</summary>
    public static long PeakBytes => Volatile.Read(ref s_peak);

    public static byte* Allocate(long nBytes)
    {
        long active = Interlocked.Add(ref s_active, nBytes);
        if (active > Volatile.Read(ref s_peak))
            Volatile.Write(ref s_peak, active);
        return (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(nBytes, 64), 64);
    }

    public static void Free(byte* pointer, long nBytes)
    {
        Interlocked.Add(ref s_active, -nBytes);
        NativeMemory.AlignedFree(pointer);
    }
}
