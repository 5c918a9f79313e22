using System.Numerics;
using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

internal readonly struct BitwiseAndFormula : IIntegerBinary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x, T y)
        where T : unmanaged, IBinaryInteger<T> => x & y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, IBinaryInteger<T> => x & y;
}

internal readonly struct BitwiseOrFormula : IIntegerBinary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x, T y)
        where T : unmanaged, IBinaryInteger<T> => x | y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, IBinaryInteger<T> => x | y;
}

internal readonly struct BitwiseXorFormula : IIntegerBinary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x, T y)
        where T : unmanaged, IBinaryInteger<T> => x ^ y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, IBinaryInteger<T> => x ^ y;
}

internal readonly struct LeftShiftFormula : IIntegerBinary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x, T y)
        where T : unmanaged, IBinaryInteger<T> => x << int.CreateTruncating(y);

    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, IBinaryInteger<T> => x;
}

/// <summary>Keeps the sign of signed integers.</summary>
internal readonly struct RightShiftFormula : IIntegerBinary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x, T y)
        where T : unmanaged, IBinaryInteger<T> => x >> int.CreateTruncating(y);

    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, IBinaryInteger<T> => x;
}

/// <summary>A whole power by squaring, wrapping around; negative exponents are refused.</summary>
internal readonly struct IntegerPowerFormula : IIntegerBinary
{
    public static bool HasLanes => false;

    public static T Apply<T>(T x, T y)
        where T : unmanaged, IBinaryInteger<T>
    {
        if (T.IsNegative(y))
            throw new ArgumentException(
                "[power] Integers to negative integer powers are not allowed: cast to a floating dtype first.");
        T power = T.One;
        for (; y != T.Zero; y >>= 1)
        {
            if (T.IsOddInteger(y))
                power = unchecked(power * x);
            x = unchecked(x * x);
        }

        return power;
    }

    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, IBinaryInteger<T> => x;
}
