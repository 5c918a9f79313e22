namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// A vector of any width: a formula written over it once serves 128, 256 and 512 bits. Comparisons give masks: all bits
/// of a lane set, or none.
/// </summary>
internal unsafe interface ILanes<TSelf, T>
    where TSelf : struct, ILanes<TSelf, T>
    where T : unmanaged
{
    /// <summary>Number of lanes.</summary>
    static abstract int Count { get; }

    static abstract TSelf Load(T* from);

    static abstract void Store(TSelf x, T* to);

    /// <summary>The same value in every lane.</summary>
    static abstract TSelf All(T value);

    static abstract TSelf operator +(TSelf a, TSelf b);

    static abstract TSelf operator -(TSelf a, TSelf b);

    static abstract TSelf operator *(TSelf a, TSelf b);

    static abstract TSelf operator /(TSelf a, TSelf b);

    static abstract TSelf operator -(TSelf x);

    static abstract TSelf operator &(TSelf a, TSelf b);

    static abstract TSelf operator |(TSelf a, TSelf b);

    static abstract TSelf operator ^(TSelf a, TSelf b);

    static abstract TSelf operator ~(TSelf x);

    /// <summary>The larger one; NaN if either is.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary>The smaller one; NaN if either is.</summary>
    static abstract TSelf Min(TSelf a, TSelf b);

    static abstract TSelf Abs(TSelf x);

    static abstract TSelf Sqrt(TSelf x);

    static abstract TSelf Floor(TSelf x);

    static abstract TSelf Ceiling(TSelf x);

    /// <summary>To the nearest integer, ties to even.</summary>
    static abstract TSelf Round(TSelf x);

    /// <summary><c>a * b + c</c>, rounded once; of floating-point lanes.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    static abstract TSelf Equal(TSelf a, TSelf b);

    static abstract TSelf Less(TSelf a, TSelf b);

    static abstract TSelf LessOrEqual(TSelf a, TSelf b);

    /// <summary><paramref name="yes"/> where the mask is set.</summary>
    static abstract TSelf Select(TSelf mask, TSelf yes, TSelf no);

    /// <summary>One bit a lane, the first lane lowest.</summary>
    static abstract ulong Bits(TSelf mask);

    /// <summary>Of float32 lanes: 2^n for whole n in −126 … 127.</summary>
    static abstract TSelf PowerOfTwo(TSelf n);

    /// <summary>Of positive normal float32 lanes: e with <c>x = m · 2^e</c>, m in [0.5, 1).</summary>
    static abstract TSelf Exponent(TSelf x);

    /// <summary>Of positive normal float32 lanes: m with <c>x = m · 2^e</c>, m in [0.5, 1).</summary>
    static abstract TSelf Mantissa(TSelf x);
}
