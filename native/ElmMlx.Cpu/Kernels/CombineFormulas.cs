using System.Numerics;
using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>What becomes of an element when an update meets it.</summary>
internal interface ICombine<T>
    where T : unmanaged
{
    static abstract T Apply(T element, T update);
}

/// <summary>The same at any number type, and for complex numbers.</summary>
internal interface ICombineNumbers
{
    static abstract T Apply<T>(T element, T update)
        where T : INumber<T>;

    static abstract Complex Apply(Complex element, Complex update);
}

/// <summary>The update takes the element's place; any dtype of the size of <typeparamref name="T"/>.</summary>
internal readonly struct CombineSet<T> : ICombine<T>
    where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply(T element, T update) => update;
}

internal readonly struct CombineSum : ICombineNumbers
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T element, T update)
        where T : INumber<T> => element + update;

    public static Complex Apply(Complex element, Complex update) => element + update;
}

internal readonly struct CombineProd : ICombineNumbers
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T element, T update)
        where T : INumber<T> => element * update;

    public static Complex Apply(Complex element, Complex update) => element * update;
}

internal readonly struct CombineMax : ICombineNumbers
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T element, T update)
        where T : INumber<T> => element > update ? element : update;

    public static Complex Apply(Complex element, Complex update) =>
        CombineFormulas.IsLess(update, element) ? element : update;
}

internal readonly struct CombineMin : ICombineNumbers
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T element, T update)
        where T : INumber<T> => element < update ? element : update;

    public static Complex Apply(Complex element, Complex update) =>
        CombineFormulas.IsLess(element, update) ? element : update;
}

/// <summary>The larger one; NaN if either is.</summary>
internal readonly struct CombineMaximum : ICombineNumbers
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T element, T update)
        where T : INumber<T> => T.Max(element, update);

    public static Complex Apply(Complex element, Complex update) => CombineMax.Apply(element, update);
}

/// <summary>The smaller one; NaN if either is.</summary>
internal readonly struct CombineMinimum : ICombineNumbers
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(T element, T update)
        where T : INumber<T> => T.Min(element, update);

    public static Complex Apply(Complex element, Complex update) => CombineMin.Apply(element, update);
}

/// <summary><typeparamref name="TFormula"/> on <typeparamref name="T"/>.</summary>
internal readonly struct CombineOf<TFormula, T> : ICombine<T>
    where TFormula : struct, ICombineNumbers
    where T : unmanaged, INumber<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply(T element, T update) => TFormula.Apply(element, update);
}

/// <summary><typeparamref name="TFormula"/> in float32, rounded once.</summary>
internal readonly struct CombineBFloat16<TFormula> : ICombine<BFloat16>
    where TFormula : struct, ICombineNumbers
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BFloat16 Apply(BFloat16 element, BFloat16 update) =>
        (BFloat16)TFormula.Apply((float)element, (float)update);
}

/// <summary><typeparamref name="TFormula"/> on complex64.</summary>
internal readonly struct CombineComplex<TFormula> : ICombine<Complex64>
    where TFormula : struct, ICombineNumbers
{
    public static Complex64 Apply(Complex64 element, Complex64 update) =>
        (Complex64)TFormula.Apply((Complex)element, (Complex)update);
}

internal static class CombineFormulas
{
    /// <summary>MLX's order of complex numbers: by the real part, then by the imaginary one.</summary>
    public static bool IsLess(Complex a, Complex b) =>
        a.Real < b.Real || (a.Real == b.Real && a.Imaginary < b.Imaginary);
}
