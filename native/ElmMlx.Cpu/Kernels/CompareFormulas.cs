using System.Numerics;
using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

internal readonly struct EqualFormula : INumberCompare
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Apply<T>(T x, T y)
        where T : unmanaged, INumber<T> => x == y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => TLanes.Equal(x, y);
}

/// <summary>True also where either is NaN.</summary>
internal readonly struct NotEqualFormula : INumberCompare
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Apply<T>(T x, T y)
        where T : unmanaged, INumber<T> => x != y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => ~TLanes.Equal(x, y);
}

internal readonly struct GreaterFormula : INumberCompare
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Apply<T>(T x, T y)
        where T : unmanaged, INumber<T> => x > y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => TLanes.Less(y, x);
}

internal readonly struct GreaterEqualFormula : INumberCompare
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Apply<T>(T x, T y)
        where T : unmanaged, INumber<T> => x >= y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => TLanes.LessOrEqual(y, x);
}

internal readonly struct LessFormula : INumberCompare
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Apply<T>(T x, T y)
        where T : unmanaged, INumber<T> => x < y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => TLanes.Less(x, y);
}

internal readonly struct LessEqualFormula : INumberCompare
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Apply<T>(T x, T y)
        where T : unmanaged, INumber<T> => x <= y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => TLanes.LessOrEqual(x, y);
}

/// <summary>Equal, or both NaN.</summary>
internal readonly struct NanEqualFormula : INumberCompare
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Apply<T>(T x, T y)
        where T : unmanaged, INumber<T> => x == y || (T.IsNaN(x) && T.IsNaN(y));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => TLanes.Equal(x, y) | ~(TLanes.Equal(x, x) | TLanes.Equal(y, y));
}
