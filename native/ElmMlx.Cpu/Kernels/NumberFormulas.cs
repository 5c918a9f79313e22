using System.Numerics;
using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

internal readonly struct AbsFormula : INumberUnary, IComplexUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, INumber<T> =>
        typeof(T) == typeof(float) || typeof(T) == typeof(double) ? T.Abs(x)
        : x < T.Zero ? unchecked(T.Zero - x) : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => TLanes.Abs(x);

    public static Complex Apply(Complex x) => Complex.Abs(x);
}

internal readonly struct NegativeFormula : INumberUnary, IComplexUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, INumber<T> =>
        typeof(T) == typeof(float) || typeof(T) == typeof(double) ? -x : unchecked(T.Zero - x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => -x;

    public static Complex Apply(Complex x) => -x;
}

/// <summary>−1, 0 or 1; 0 for NaN.</summary>
internal readonly struct SignFormula : INumberUnary, IComplexUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, INumber<T> =>
        x > T.Zero ? T.One : x < T.Zero ? unchecked(T.Zero - T.One) : T.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T>
    {
        TLanes zero = TLanes.All(T.Zero), one = TLanes.All(T.One);
        return (TLanes.Less(zero, x) & one) | (TLanes.Less(x, zero) & (zero - one));
    }

    public static Complex Apply(Complex x) => x == Complex.Zero ? x : x / ((Complex64)x).Magnitude;
}

internal readonly struct SquareFormula : INumberUnary, IComplexUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, INumber<T> => unchecked(x * x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => x * x;

    public static Complex Apply(Complex x) => (Complex64)x * (Complex64)x;
}

/// <summary>All bits turned over, of integers: −x − 1 in two's complement.</summary>
internal readonly struct BitwiseInvertFormula : INumberUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x)
        where T : unmanaged, INumber<T> => unchecked(T.Zero - x - T.One);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => ~x;
}

internal readonly struct AddFormula : INumberBinary, IComplexBinary
{
    public static bool HasLanes<T>() => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x, T y)
        where T : unmanaged, INumber<T> => unchecked(x + y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => x + y;

    public static Complex Apply(Complex x, Complex y) => x + y;
}

internal readonly struct SubtractFormula : INumberBinary, IComplexBinary
{
    public static bool HasLanes<T>() => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x, T y)
        where T : unmanaged, INumber<T> => unchecked(x - y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => x - y;

    public static Complex Apply(Complex x, Complex y) => x - y;
}

internal readonly struct MultiplyFormula : INumberBinary, IComplexBinary
{
    public static bool HasLanes<T>() => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x, T y)
        where T : unmanaged, INumber<T> => unchecked(x * y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => x * y;

    // As float32 arithmetic rounds it
    public static Complex Apply(Complex x, Complex y) => (Complex64)x * (Complex64)y;
}

/// <summary>The quotient; of integers, truncated.</summary>
internal readonly struct DivideFormula : INumberBinary, IComplexBinary
{
    public static bool HasLanes<T>() => typeof(T) == typeof(float) || typeof(T) == typeof(double);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x, T y)
        where T : unmanaged, INumber<T>
    {
        if (typeof(T) == typeof(float) || typeof(T) == typeof(double))
            return x / y;
        // The smallest integer has no positive twin: the processor faults where C# and C wrap around elsewhere.
        return T.IsNegative(y) && unchecked(y + T.One) == T.Zero ? unchecked(T.Zero - x) : x / y;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => x / y;

    public static Complex Apply(Complex x, Complex y) => ComplexFunctions.Divide(x, y);
}

/// <summary>What division leaves over, with the divisor's sign.</summary>
internal readonly struct RemainderFormula : INumberBinary, IComplexBinary
{
    public static bool HasLanes<T>() => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x, T y)
        where T : unmanaged, INumber<T>
    {
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double)
            && T.IsNegative(y) && unchecked(y + T.One) == T.Zero)
            return T.Zero;
        T rest = x % y;
        return rest != T.Zero && (rest < T.Zero) != (y < T.Zero) ? unchecked(rest + y) : rest;
    }

    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => x;

    // MLX's definition: of the real and of the imaginary parts
    public static Complex Apply(Complex x, Complex y) =>
        new(Apply((float)x.Real, (float)y.Real), Apply((float)x.Imaginary, (float)y.Imaginary));
}

/// <summary>What truncated division leaves over, with the dividend's sign.</summary>
internal readonly struct TruncatedRemainderFormula : INumberBinary
{
    public static bool HasLanes<T>() => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x, T y)
        where T : unmanaged, INumber<T> =>
        typeof(T) != typeof(float) && typeof(T) != typeof(double) && T.IsNegative(y) && unchecked(y + T.One) == T.Zero
            ? T.Zero : x % y;

    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => x;
}

/// <summary>The larger one; NaN if either is.</summary>
internal readonly struct MaximumFormula : INumberBinary
{
    public static bool HasLanes<T>() => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x, T y)
        where T : unmanaged, INumber<T> => T.Max(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => TLanes.Max(x, y);
}

/// <summary>The smaller one; NaN if either is.</summary>
internal readonly struct MinimumFormula : INumberBinary
{
    public static bool HasLanes<T>() => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T x, T y)
        where T : unmanaged, INumber<T> => T.Min(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T> => TLanes.Min(x, y);
}
