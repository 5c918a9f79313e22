using System.Numerics;
using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

// The families of formulas at one element type: what drivers take.

/// <summary><typeparamref name="TFormula"/> on <typeparamref name="T"/>.</summary>
internal readonly struct NumberUnaryOf<TFormula, T> : IUnary<T>
    where TFormula : struct, INumberUnary
    where T : unmanaged, INumber<T>
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply(T x) => TFormula.Apply(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, T> => TFormula.Apply<TLanes, T>(x);
}

/// <summary><typeparamref name="TFormula"/> on <typeparamref name="T"/>.</summary>
internal readonly struct NumberBinaryOf<TFormula, T> : IBinary<T>
    where TFormula : struct, INumberBinary
    where T : unmanaged, INumber<T>
{
    public static bool HasLanes => TFormula.HasLanes<T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply(T x, T y) => TFormula.Apply(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T> => TFormula.Apply<TLanes, T>(x, y);
}

/// <summary><typeparamref name="TFormula"/> on <typeparamref name="T"/>.</summary>
internal readonly struct IntegerBinaryOf<TFormula, T> : IBinary<T>
    where TFormula : struct, IIntegerBinary
    where T : unmanaged, IBinaryInteger<T>
{
    public static bool HasLanes => TFormula.HasLanes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply(T x, T y) => TFormula.Apply(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T> => TFormula.Apply<TLanes, T>(x, y);
}

/// <summary><typeparamref name="TFormula"/> on <typeparamref name="T"/>.</summary>
internal readonly struct NumberCompareOf<TFormula, T> : ICompare<T>
    where TFormula : struct, INumberCompare
    where T : unmanaged, INumber<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Apply(T x, T y) => TFormula.Apply(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T> => TFormula.Apply<TLanes, T>(x, y);
}

/// <summary><typeparamref name="TFormula"/> on float32.</summary>
internal readonly struct SingleUnaryOf<TFormula> : IUnary<float>
    where TFormula : struct, IFloatUnary
{
    public static bool HasLanes => TFormula.HasLanes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => TFormula.Apply(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => TFormula.Apply(x);
}

/// <summary><typeparamref name="TFormula"/> on float64.</summary>
internal readonly struct DoubleUnaryOf<TFormula> : IUnary<double>
    where TFormula : struct, IFloatUnary
{
    public static bool HasLanes => false;

    public static double Apply(double x) => TFormula.Apply(x);

    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, double> => x;
}

/// <summary><typeparamref name="TFormula"/> on float32.</summary>
internal readonly struct SingleBinaryOf<TFormula> : IBinary<float>
    where TFormula : struct, IFloatBinary
{
    public static bool HasLanes => false;

    public static float Apply(float x, float y) => TFormula.Apply(x, y);

    public static TLanes Apply<TLanes>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, float> => x;
}

/// <summary><typeparamref name="TFormula"/> on float64.</summary>
internal readonly struct DoubleBinaryOf<TFormula> : IBinary<double>
    where TFormula : struct, IFloatBinary
{
    public static bool HasLanes => false;

    public static double Apply(double x, double y) => TFormula.Apply(x, y);

    public static TLanes Apply<TLanes>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, double> => x;
}

/// <summary><typeparamref name="TFormula"/> on complex64.</summary>
internal readonly struct ComplexUnaryOf<TFormula> : IUnary<Complex64>
    where TFormula : struct, IComplexUnary
{
    public static bool HasLanes => false;

    public static Complex64 Apply(Complex64 x) => (Complex64)TFormula.Apply(x);

    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, Complex64> => x;
}

/// <summary><typeparamref name="TFormula"/> on complex64.</summary>
internal readonly struct ComplexBinaryOf<TFormula> : IBinary<Complex64>
    where TFormula : struct, IComplexBinary
{
    public static bool HasLanes => false;

    public static Complex64 Apply(Complex64 x, Complex64 y) => (Complex64)TFormula.Apply(x, y);

    public static TLanes Apply<TLanes>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, Complex64> => x;
}
