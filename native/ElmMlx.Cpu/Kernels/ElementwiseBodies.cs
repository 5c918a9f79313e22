namespace ElmMlx.Cpu.Kernels;

// What is done with one run: strides 1 and 0 go to the drivers as they are, other strides and half precision by tiles.

/// <summary>A unary formula on a run.</summary>
internal readonly unsafe struct UnaryBody<TFormula, T>(T* x, long stride, T* y) : IRunBody
    where TFormula : struct, IUnary<T>
    where T : unmanaged
{
    private readonly T* _x = x, _y = y;

    public void Run(long output, ReadOnlySpan<long> offsets, int length)
    {
        T* from = _x + offsets[0], to = _y + output;
        if (stride == 0)
        {
            T value = default;
            UnaryDriver<TFormula, T>.Run(from, &value, 1);
            new Span<T>(to, length).Fill(value);
            return;
        }

        if (stride != 1)
        {
            Tiles.Gather(from, stride, to, length);
            from = to;
        }

        UnaryDriver<TFormula, T>.Run(from, to, length);
    }
}

/// <summary>A unary formula on a run of half precision.</summary>
internal readonly unsafe struct HalfUnaryBody<TFormula, T>(T* x, long stride, T* y) : IRunBody
    where TFormula : struct, IUnary<float>
    where T : unmanaged
{
    private readonly T* _x = x, _y = y;

    public void Run(long output, ReadOnlySpan<long> offsets, int length)
    {
        float* tile = stackalloc float[Tiles.Length];
        for (int start = 0; start < length; start += Tiles.Length)
        {
            int n = Math.Min(Tiles.Length, length - start);
            Tiles.Widen(_x + offsets[0] + start * stride, stride, tile, n);
            if (stride == 0)
                new Span<float>(tile, n).Fill(*tile);
            UnaryDriver<TFormula, float>.Run(tile, tile, n);
            Tiles.Narrow(tile, _y + output + start, n);
        }
    }
}

/// <summary>A binary formula on a run.</summary>
internal readonly unsafe struct BinaryBody<TFormula, T>(T* x, long xStride, T* y, long yStride, T* z) : IRunBody
    where TFormula : struct, IBinary<T>
    where T : unmanaged
{
    private readonly T* _x = x, _y = y, _z = z;

    public void Run(long output, ReadOnlySpan<long> offsets, int length)
    {
        T* left = _x + offsets[0], right = _y + offsets[1], to = _z + output;
        if (xStride is 0 or 1 && yStride is 0 or 1)
        {
            BinaryDriver<TFormula, T>.Run(left, xStride, right, yStride, to, length);
            return;
        }

        T* a = stackalloc T[Tiles.Length], b = stackalloc T[Tiles.Length];
        for (int start = 0; start < length; start += Tiles.Length)
        {
            int n = Math.Min(Tiles.Length, length - start);
            Tiles.Gather(left + start * xStride, xStride, a, n);
            Tiles.Gather(right + start * yStride, yStride, b, n);
            BinaryDriver<TFormula, T>.Run(a, 1, b, 1, to + start, n);
        }
    }
}

/// <summary>A binary formula on a run of half precision.</summary>
internal readonly unsafe struct HalfBinaryBody<TFormula, T>(T* x, long xStride, T* y, long yStride, T* z) : IRunBody
    where TFormula : struct, IBinary<float>
    where T : unmanaged
{
    private readonly T* _x = x, _y = y, _z = z;

    public void Run(long output, ReadOnlySpan<long> offsets, int length)
    {
        float* a = stackalloc float[Tiles.Length], b = stackalloc float[Tiles.Length];
        for (int start = 0; start < length; start += Tiles.Length)
        {
            int n = Math.Min(Tiles.Length, length - start);
            Tiles.Widen(_x + offsets[0] + start * xStride, xStride, a, n);
            Tiles.Widen(_y + offsets[1] + start * yStride, yStride, b, n);
            float* result = xStride == 0 ? b : a;       // never over the one element that serves for all
            BinaryDriver<TFormula, float>.Run(a, xStride == 0 ? 0 : 1, b, yStride == 0 ? 0 : 1, result, n);
            Tiles.Narrow(result, _z + output + start, n);
        }
    }
}

/// <summary>A comparison on a run.</summary>
internal readonly unsafe struct CompareBody<TFormula, T>(T* x, long xStride, T* y, long yStride, byte* z) : IRunBody
    where TFormula : struct, ICompare<T>
    where T : unmanaged
{
    private readonly T* _x = x, _y = y;
    private readonly byte* _z = z;

    public void Run(long output, ReadOnlySpan<long> offsets, int length)
    {
        T* left = _x + offsets[0], right = _y + offsets[1];
        byte* to = _z + output;
        if (xStride is 0 or 1 && yStride is 0 or 1)
        {
            CompareDriver<TFormula, T>.Run(left, xStride, right, yStride, to, length);
            return;
        }

        for (int i = 0; i < length; i++)
            to[i] = TFormula.Apply(left[i * xStride], right[i * yStride]) ? (byte)1 : (byte)0;
    }
}

/// <summary>A comparison on a run of half precision.</summary>
internal readonly unsafe struct HalfCompareBody<TFormula, T>(T* x, long xStride, T* y, long yStride, byte* z) : IRunBody
    where TFormula : struct, ICompare<float>
    where T : unmanaged
{
    private readonly T* _x = x, _y = y;
    private readonly byte* _z = z;

    public void Run(long output, ReadOnlySpan<long> offsets, int length)
    {
        float* a = stackalloc float[Tiles.Length], b = stackalloc float[Tiles.Length];
        for (int start = 0; start < length; start += Tiles.Length)
        {
            int n = Math.Min(Tiles.Length, length - start);
            Tiles.Widen(_x + offsets[0] + start * xStride, xStride, a, n);
            Tiles.Widen(_y + offsets[1] + start * yStride, yStride, b, n);
            CompareDriver<TFormula, float>.Run(
                a, xStride == 0 ? 0 : 1, b, yStride == 0 ? 0 : 1, _z + output + start, n);
        }
    }
}

/// <summary>Whether complex numbers are equal, on a run.</summary>
internal readonly unsafe struct ComplexEqualBody(Complex64* x, long xStride, Complex64* y, long yStride, byte* z,
    bool isNegated, bool nanEqualsNan) : IRunBody
{
    private readonly Complex64* _x = x, _y = y;
    private readonly byte* _z = z;

    public void Run(long output, ReadOnlySpan<long> offsets, int length)
    {
        for (int i = 0; i < length; i++)
        {
            Complex64 a = _x[offsets[0] + i * xStride], b = _y[offsets[1] + i * yStride];
            bool isEqual = (a.Real == b.Real && a.Imaginary == b.Imaginary)
                || (nanEqualsNan && IsNaN(a) && IsNaN(b));
            _z[output + i] = isEqual != isNegated ? (byte)1 : (byte)0;
        }
    }

    private static bool IsNaN(Complex64 x) => float.IsNaN(x.Real) || float.IsNaN(x.Imaginary);
}
