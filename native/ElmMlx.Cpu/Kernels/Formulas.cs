using System.Numerics;

namespace ElmMlx.Cpu.Kernels;

// A formula is a readonly struct that says once what an operator does: for one element (the naive twin, and what runs
// where no vector formula exists) and for lanes of any width. Drivers are generic over these interfaces. float16 and
// bfloat16 have no formulas: they are widened to float32 and rounded once.

/// <summary>y = f(x), of one element type.</summary>
internal interface IUnary<T>
    where T : unmanaged
{
    /// <summary>Whether there is a formula over lanes.</summary>
    static abstract bool HasLanes { get; }

    static abstract T Apply(T x);

    static abstract TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, T>;
}

/// <summary>z = f(x, y), of one element type.</summary>
internal interface IBinary<T>
    where T : unmanaged
{
    static abstract bool HasLanes { get; }

    static abstract T Apply(T x, T y);

    static abstract TLanes Apply<TLanes>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>;
}

/// <summary>A yes or no about two elements; over lanes, a mask.</summary>
internal interface ICompare<T>
    where T : unmanaged
{
    static abstract bool Apply(T x, T y);

    static abstract TLanes Apply<TLanes>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>;
}

/// <summary>A function of any number: integers, float32, float64.</summary>
internal interface INumberUnary
{
    static abstract T Apply<T>(T x)
        where T : unmanaged, INumber<T>;

    static abstract TLanes Apply<TLanes, T>(TLanes x)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T>;
}

/// <summary>A function of two numbers of one type.</summary>
internal interface INumberBinary
{
    static abstract bool HasLanes<T>();

    static abstract T Apply<T>(T x, T y)
        where T : unmanaged, INumber<T>;

    static abstract TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T>;
}

/// <summary>A function of two integers.</summary>
internal interface IIntegerBinary
{
    static abstract bool HasLanes { get; }

    static abstract T Apply<T>(T x, T y)
        where T : unmanaged, IBinaryInteger<T>;

    static abstract TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, IBinaryInteger<T>;
}

/// <summary>A comparison of two numbers.</summary>
internal interface INumberCompare
{
    static abstract bool Apply<T>(T x, T y)
        where T : unmanaged, INumber<T>;

    static abstract TLanes Apply<TLanes, T>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, T>
        where T : unmanaged, INumber<T>;
}

/// <summary>A function of a floating-point number. Lanes are float32.</summary>
internal interface IFloatUnary
{
    static abstract bool HasLanes { get; }

    static abstract float Apply(float x);

    static abstract double Apply(double x);

    static abstract TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float>;
}

/// <summary>A function of two floating-point numbers.</summary>
internal interface IFloatBinary
{
    static abstract float Apply(float x, float y);

    static abstract double Apply(double x, double y);
}

/// <summary>A function of a complex number.</summary>
internal interface IComplexUnary
{
    static abstract Complex Apply(Complex x);
}

/// <summary>A function of two complex numbers.</summary>
internal interface IComplexBinary
{
    static abstract Complex Apply(Complex x, Complex y);
}
