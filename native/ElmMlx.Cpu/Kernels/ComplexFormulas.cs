using System.Numerics;

namespace ElmMlx.Cpu.Kernels;

/// <summary>The larger one, in the order of <see cref="Complex64"/>.</summary>
internal readonly struct ComplexMaximum : IBinary<Complex64>
{
    public static bool HasLanes => false;

    public static Complex64 Apply(Complex64 x, Complex64 y) => y > x ? y : x;

    public static TLanes Apply<TLanes>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, Complex64> => x;
}

/// <summary>The smaller one, in the order of <see cref="Complex64"/>.</summary>
internal readonly struct ComplexMinimum : IBinary<Complex64>
{
    public static bool HasLanes => false;

    public static Complex64 Apply(Complex64 x, Complex64 y) => y < x ? y : x;

    public static TLanes Apply<TLanes>(TLanes x, TLanes y)
        where TLanes : struct, ILanes<TLanes, Complex64> => x;
}

internal readonly struct ConjugateFormula : IComplexUnary
{
    public static Complex Apply(Complex x) => Complex.Conjugate(x);
}
