using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Short pieces of strided arrays, brought onto the stack; float16 and bfloat16 become float32 there.
/// </summary>
internal static unsafe class Tiles
{
    /// <summary>Elements of a tile.</summary>
    public const int Length = 512;

    /// <summary>Elements at <paramref name="from"/>[i · stride], side by side.</summary>
    public static void Gather<T>(T* from, long stride, T* to, int n)
        where T : unmanaged
    {
        for (int i = 0; i < n; i++)
            to[i] = from[i * stride];
    }

    /// <summary>The same as float32. Of stride 0 only one element is written.</summary>
    public static void Widen<T>(T* from, long stride, float* to, int n)
        where T : unmanaged
    {
        if (stride == 0)
            n = 1;
        if (stride is 0 or 1)
        {
            Widen(from, to, n);
            return;
        }

        T* tile = stackalloc T[Length];
        Gather(from, stride, tile, n);
        Widen(tile, to, n);
    }

    /// <summary>float32 → <typeparamref name="T"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Narrow<T>(float* from, T* to, int n)
        where T : unmanaged
    {
        if (typeof(T) == typeof(Half))
            HalfPrecision.ToFloat16(from, (Half*)to, n);
        else
            HalfPrecision.ToBFloat16(from, (ushort*)to, n);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Widen<T>(T* from, float* to, int n)
        where T : unmanaged
    {
        if (typeof(T) == typeof(Half))
            HalfPrecision.FromFloat16((Half*)from, to, n);
        else
            HalfPrecision.FromBFloat16((ushort*)from, to, n);
    }
}
