using System.Numerics;
using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

internal readonly struct ExpFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Exp(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Exp(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => FloatLanes.Exp(x);

    public static Complex Apply(Complex x) => ComplexFunctions.Exp(x);
}

internal readonly struct LogFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Log(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Log(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => FloatLanes.Log(x);

    public static Complex Apply(Complex x) => Complex.Log(x);
}

internal readonly struct SinFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Sin(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Sin(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => FloatLanes.Sin(x);

    public static Complex Apply(Complex x) => ComplexFunctions.Sin(x);
}

internal readonly struct CosFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Cos(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Cos(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => FloatLanes.Cos(x);

    public static Complex Apply(Complex x) => ComplexFunctions.Cos(x);
}

internal readonly struct TanhFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Tanh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Tanh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => FloatLanes.Tanh(x);

    public static Complex Apply(Complex x) => ComplexFunctions.Tanh(x);
}

internal readonly struct SigmoidFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => 1 / (1 + MathF.Exp(-x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => 1 / (1 + Math.Exp(-x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => FloatLanes.Sigmoid(x);

    public static Complex Apply(Complex x) => ComplexFunctions.Sigmoid(x);
}

internal readonly struct ErfFormula : IFloatUnary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => (float)DoubleFunctions.Erf(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => DoubleFunctions.Erf(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => FloatLanes.Erf(x);
}

internal readonly struct ErfInvFormula : IFloatUnary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => (float)DoubleFunctions.ErfInv(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => DoubleFunctions.ErfInv(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => FloatLanes.ErfInv(x);
}

internal readonly struct SqrtFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => TLanes.Sqrt(x);

    public static Complex Apply(Complex x) => Complex64.Sqrt((Complex64)x);
}

internal readonly struct RsqrtFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => 1 / MathF.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => 1 / Math.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => TLanes.All(1f) / TLanes.Sqrt(x);

    public static Complex Apply(Complex x) => ComplexFunctions.Divide(1, Complex64.Sqrt((Complex64)x));
}

internal readonly struct FloorFormula : IFloatUnary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Floor(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Floor(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => TLanes.Floor(x);
}

internal readonly struct CeilFormula : IFloatUnary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Ceiling(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Ceiling(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => TLanes.Ceiling(x);
}

internal readonly struct RoundFormula : IFloatUnary, IComplexUnary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Round(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Round(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => TLanes.Round(x);

    public static Complex Apply(Complex x) => new(Math.Round(x.Real), Math.Round(x.Imaginary));
}

/// <summary>The whole part.</summary>
internal readonly struct TruncateFormula : IFloatUnary
{
    public static bool HasLanes => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Apply(float x) => MathF.Truncate(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Apply(double x) => Math.Truncate(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes, float> => TLanes.Floor(TLanes.Abs(x)) | (x & TLanes.All(-0f));
}
