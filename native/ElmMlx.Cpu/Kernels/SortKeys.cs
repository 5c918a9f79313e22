using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Elements as unsigned integers of the same order, NaN last: what a radix sort sorts.</summary>
internal static unsafe class SortKeys
{

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of<T>(T x)
        where T : unmanaged
    {
        if (typeof(T) == typeof(byte))
            return *(byte*)&x;
        if (typeof(T) == typeof(ushort))
            return *(ushort*)&x;
        if (typeof(T) == typeof(uint))
            return *(uint*)&x;
        if (typeof(T) == typeof(ulong))
            return *(ulong*)&x;
        if (typeof(T) == typeof(sbyte))
            return (byte)(*(byte*)&x ^ 0x80);
        if (typeof(T) == typeof(short))
            return (ushort)(*(ushort*)&x ^ 0x8000);
        if (typeof(T) == typeof(int))
            return *(uint*)&x ^ 0x8000_0000;
        if (typeof(T) == typeof(long))
            return *(ulong*)&x ^ 0x8000_0000_0000_0000;
        if (typeof(T) == typeof(Half))
            return Real(*(ushort*)&x, 0x8000, 0x7c00);
        if (typeof(T) == typeof(BFloat16))
            return Real(*(ushort*)&x, 0x8000, 0x7f80);
        if (typeof(T) == typeof(float))
            return Real(*(uint*)&x, 0x8000_0000, 0x7f80_0000);
        if (typeof(T) == typeof(Complex64))
            return (Of(((Complex64*)&x)->Real) << 32) | Of(((Complex64*)&x)->Imaginary);
        return Real(*(ulong*)&x, 0x8000_0000_0000_0000, 0x7ff0_0000_0000_0000);
    }

    // Positive numbers above negative ones, whose order is turned; both zeros are one; every NaN is the largest key.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Real(ulong bits, ulong sign, ulong infinity)
    {
        ulong magnitude = bits & (sign - 1);
        if (magnitude > infinity)
            return sign | (sign - 1);
        return (bits & sign) != 0 ? sign - magnitude : sign + magnitude;
    }
}
