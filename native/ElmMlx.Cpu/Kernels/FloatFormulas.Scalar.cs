using System.Numerics;
using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

// No formula over lanes: rarely used.

internal readonly struct Log2Formula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Log2(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Log2(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => x;

    public static Complex Apply(Complex x) => ComplexFunctions.Log(x, double.Log(2));
}

internal readonly struct Log10Formula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Log10(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Log10(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => x;

    public static Complex Apply(Complex x) => ComplexFunctions.Log(x, double.Log(10));
}

internal readonly struct Log1pFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => (float)DoubleFunctions.Log1p(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => DoubleFunctions.Log1p(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => x;

    public static Complex Apply(Complex x) => DoubleFunctions.Log1p(x);
}

internal readonly struct Expm1Formula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => (float)DoubleFunctions.Expm1(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => DoubleFunctions.Expm1(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => x;

    public static Complex Apply(Complex x) => ComplexFunctions.Expm1(x);
}

internal readonly struct TanFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Tan(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Tan(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => x;

    public static Complex Apply(Complex x) => ComplexFunctions.Tan(x);
}

internal readonly struct ArcSinFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Asin(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Asin(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => x;

    public static Complex Apply(Complex x) => ComplexFunctions.Asin(x);
}

internal readonly struct ArcCosFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Acos(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Acos(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => x;

    public static Complex Apply(Complex x) => ComplexFunctions.Acos(x);
}

internal readonly struct ArcTanFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Atan(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Atan(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => x;

    public static Complex Apply(Complex x) => ComplexFunctions.Atan(x);
}

internal readonly struct SinhFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Sinh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Sinh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => x;

    public static Complex Apply(Complex x) => ComplexFunctions.Sinh(x);
}

internal readonly struct CoshFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Cosh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Cosh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => x;

    public static Complex Apply(Complex x) => ComplexFunctions.Cosh(x);
}

internal readonly struct ArcSinhFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Asinh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Asinh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => x;

    public static Complex Apply(Complex x) => ComplexFunctions.Asinh(x);
}

internal readonly struct ArcCoshFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Acosh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Acosh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => x;

    public static Complex Apply(Complex x) => ComplexFunctions.Acosh(x);
}

internal readonly struct ArcTanhFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Atanh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Atanh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => x;

    public static Complex Apply(Complex x) => ComplexFunctions.Atanh(x);
}

internal readonly struct ArcTan2Formula : IFloatBinary, IComplexBinary
{
    public static float Apply(float x, float y) => MathF.Atan2(x, y);

    public static double Apply(double x, double y) => Math.Atan2(x, y);

    public static Complex Apply(Complex x, Complex y) =>
        -Complex.ImaginaryOne * Complex.Log((y + Complex.ImaginaryOne * x) / Complex.Sqrt(x * x + y * y));
}

/// <summary>x − n y, n the whole number nearest to x / y: the sign may be either.</summary>
internal readonly struct NearestRemainderFormula : IFloatBinary
{
    public static float Apply(float x, float y) => MathF.IEEERemainder(x, y);

    public static double Apply(double x, double y) => Math.IEEERemainder(x, y);
}

/// <summary>log(eˣ + eʸ), without overflow.</summary>
internal readonly struct LogAddExpFormula : IFloatBinary, IComplexBinary
{
    public static float Apply(float x, float y)
    {
        float high = MathF.Max(x, y), low = MathF.Min(x, y);
        return low == float.NegativeInfinity || high == float.PositiveInfinity
            ? high : high + (float)DoubleFunctions.Log1p(Math.Exp(low - high));
    }

    public static double Apply(double x, double y)
    {
        double high = Math.Max(x, y), low = Math.Min(x, y);
        return low == double.NegativeInfinity || high == double.PositiveInfinity
            ? high : high + DoubleFunctions.Log1p(Math.Exp(low - high));
    }

    public static Complex Apply(Complex x, Complex y)
    {
        (Complex high, Complex low) = x.Real < y.Real ? (y, x) : (x, y);
        return high + DoubleFunctions.Log1p(ComplexFunctions.Exp(low - high));
    }
}

internal readonly struct PowerFormula : IFloatBinary, IComplexBinary
{
    public static float Apply(float x, float y) => MathF.Pow(x, y);

    public static double Apply(double x, double y) => Math.Pow(x, y);

    public static Complex Apply(Complex x, Complex y) => ComplexFunctions.Power(x, y);
}
