using System.Runtime.CompilerServices;
using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Every dtype to every dtype, as C converts: integers wrap around, fractions are cut off, not 0 is true.
/// </summary>
internal static unsafe class CastKernels
{
    /// <summary>
    /// Any view of <paramref name="source"/>, row-contiguous in <paramref name="type"/> at <paramref
    /// name="destination"/>.
    /// </summary>
    public static void Run(Node source, void* destination, mlx_dtype type) =>
        Run(new Runs(source.Shape, source.Strides), source.Data, source.Type, destination, type);

    private static void Run(Runs runs, void* from, mlx_dtype fromType, void* to, mlx_dtype toType)
    {
        switch (fromType)
        {
            case MLX_BOOL: From<bool>(runs, from, to, toType); break;
            case MLX_UINT8: From<byte>(runs, from, to, toType); break;
            case MLX_UINT16: From<ushort>(runs, from, to, toType); break;
            case MLX_UINT32: From<uint>(runs, from, to, toType); break;
            case MLX_UINT64: From<ulong>(runs, from, to, toType); break;
            case MLX_INT8: From<sbyte>(runs, from, to, toType); break;
            case MLX_INT16: From<short>(runs, from, to, toType); break;
            case MLX_INT32: From<int>(runs, from, to, toType); break;
            case MLX_INT64: From<long>(runs, from, to, toType); break;
            case MLX_FLOAT16: From<Half>(runs, from, to, toType); break;
            case MLX_BFLOAT16: From<BFloat16>(runs, from, to, toType); break;
            case MLX_FLOAT32: From<float>(runs, from, to, toType); break;
            case MLX_FLOAT64: From<double>(runs, from, to, toType); break;
            default: From<Complex64>(runs, from, to, toType); break;
        }
    }

    /// <summary><paramref name="size"/> contiguous elements.</summary>
    public static void Run(void* from, mlx_dtype fromType, void* to, mlx_dtype toType, long size) =>
        Run(new Runs(size), from, fromType, to, toType);

    private static void From<TFrom>(Runs runs, void* from, void* to, mlx_dtype toType)
        where TFrom : unmanaged
    {
        switch (toType)
        {
            case MLX_BOOL: Run<TFrom, bool>(runs, from, to); break;
            case MLX_UINT8: Run<TFrom, byte>(runs, from, to); break;
            case MLX_UINT16: Run<TFrom, ushort>(runs, from, to); break;
            case MLX_UINT32: Run<TFrom, uint>(runs, from, to); break;
            case MLX_UINT64: Run<TFrom, ulong>(runs, from, to); break;
            case MLX_INT8: Run<TFrom, sbyte>(runs, from, to); break;
            case MLX_INT16: Run<TFrom, short>(runs, from, to); break;
            case MLX_INT32: Run<TFrom, int>(runs, from, to); break;
            case MLX_INT64: Run<TFrom, long>(runs, from, to); break;
            case MLX_FLOAT16: Run<TFrom, Half>(runs, from, to); break;
            case MLX_BFLOAT16: Run<TFrom, BFloat16>(runs, from, to); break;
            case MLX_FLOAT32: Run<TFrom, float>(runs, from, to); break;
            case MLX_FLOAT64: Run<TFrom, double>(runs, from, to); break;
            case MLX_COMPLEX64: Run<TFrom, Complex64>(runs, from, to); break;
            default: throw new ArgumentException($"[astype] {(int)toType} is not a dtype.");
        }
    }

    private static void Run<TFrom, TTo>(Runs runs, void* from, void* to)
        where TFrom : unmanaged
        where TTo : unmanaged => runs.ForEach(new Body<TFrom, TTo>((TFrom*)from, runs.Stride(0), (TTo*)to));

    private static void Contiguous<TFrom, TTo>(TFrom* from, TTo* to, int n)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        if (typeof(TFrom) == typeof(Half) && typeof(TTo) == typeof(float))
            HalfPrecision.FromFloat16((Half*)from, (float*)to, n);
        else if (typeof(TFrom) == typeof(BFloat16) && typeof(TTo) == typeof(float))
            HalfPrecision.FromBFloat16((ushort*)from, (float*)to, n);
        else if (typeof(TFrom) == typeof(float) && typeof(TTo) == typeof(Half))
            HalfPrecision.ToFloat16((float*)from, (Half*)to, n);
        else if (typeof(TFrom) == typeof(float) && typeof(TTo) == typeof(BFloat16))
            HalfPrecision.ToBFloat16((float*)from, (ushort*)to, n);
        else if (typeof(TFrom) != typeof(TTo) && IsHalf<TFrom>() && IsHalf<TTo>())
            BetweenHalves(from, to, n);
        else
            Strided(from, 1, to, n);
    }

    private static bool IsHalf<T>() => typeof(T) == typeof(Half) || typeof(T) == typeof(BFloat16);

    private static void BetweenHalves<TFrom, TTo>(TFrom* from, TTo* to, int n)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        float* tile = stackalloc float[Tiles.Length];
        for (int at = 0; at < n; at += Tiles.Length)
        {
            int length = Math.Min(Tiles.Length, n - at);
            Tiles.Widen(from + at, 1, tile, length);
            Tiles.Narrow(tile, to + at, length);
        }
    }

    private static void Strided<TFrom, TTo>(TFrom* from, long stride, TTo* to, int n)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        for (int i = 0; i < n; i++)
            to[i] = Convert<TFrom, TTo>(from[i * stride]);
    }

    /// <summary>One element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TTo Convert<TFrom, TTo>(TFrom x)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        if (typeof(TFrom) == typeof(TTo))
            return *(TTo*)&x;
        if (typeof(TTo) == typeof(Complex64))
            return As<Complex64, TTo>(new Complex64(Convert<TFrom, float>(x), 0));
        if (typeof(TFrom) == typeof(bool))
            return FromInteger<TTo>(*(byte*)&x);
        if (typeof(TFrom) == typeof(byte))
            return FromInteger<TTo>(*(byte*)&x);
        if (typeof(TFrom) == typeof(ushort))
            return FromInteger<TTo>(*(ushort*)&x);
        if (typeof(TFrom) == typeof(uint))
            return FromInteger<TTo>(*(uint*)&x);
        if (typeof(TFrom) == typeof(sbyte))
            return FromInteger<TTo>(*(sbyte*)&x);
        if (typeof(TFrom) == typeof(short))
            return FromInteger<TTo>(*(short*)&x);
        if (typeof(TFrom) == typeof(int))
            return FromInteger<TTo>(*(int*)&x);
        if (typeof(TFrom) == typeof(long))
            return FromInteger<TTo>(*(long*)&x);
        if (typeof(TFrom) == typeof(ulong))
        {
            ulong value = *(ulong*)&x;
            if (typeof(TTo) == typeof(float))
                return As<float, TTo>(value);
            if (typeof(TTo) == typeof(double))
                return As<double, TTo>(value);
            if (typeof(TTo) == typeof(Half))
                return As<Half, TTo>((Half)(float)value);
            if (typeof(TTo) == typeof(BFloat16))
                return As<BFloat16, TTo>((BFloat16)(float)value);
            return FromInteger<TTo>((long)value);
        }

        if (typeof(TFrom) == typeof(Half))
            return FromReal<TTo>((float)*(Half*)&x);
        if (typeof(TFrom) == typeof(BFloat16))
            return FromReal<TTo>((float)*(BFloat16*)&x);
        if (typeof(TFrom) == typeof(float))
            return FromReal<TTo>(*(float*)&x);
        if (typeof(TFrom) == typeof(double))
            return FromReal<TTo>(*(double*)&x);
        Complex64 complex = *(Complex64*)&x;
        return typeof(TTo) == typeof(bool)
            ? As<bool, TTo>(complex.Real != 0 || complex.Imaginary != 0)
            : FromReal<TTo>(complex.Real);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TTo FromInteger<TTo>(long x)
        where TTo : unmanaged
    {
        if (typeof(TTo) == typeof(bool))
            return As<bool, TTo>(x != 0);
        if (typeof(TTo) == typeof(float))
            return As<float, TTo>(x);
        if (typeof(TTo) == typeof(double))
            return As<double, TTo>(x);
        if (typeof(TTo) == typeof(Half))
            return As<Half, TTo>((Half)(float)x);
        if (typeof(TTo) == typeof(BFloat16))
            return As<BFloat16, TTo>((BFloat16)(float)x);
        return *(TTo*)&x;       // the low bytes: little-endian
    }

    // What no integer holds (NaN, infinities, 1e20) becomes the smallest one, as on x86.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TTo FromReal<TTo>(double x)
        where TTo : unmanaged
    {
        if (typeof(TTo) == typeof(bool))
            return As<bool, TTo>(x != 0);
        if (typeof(TTo) == typeof(float))
            return As<float, TTo>((float)x);
        if (typeof(TTo) == typeof(double))
            return As<double, TTo>(x);
        if (typeof(TTo) == typeof(Half))
            return As<Half, TTo>((Half)(float)x);
        if (typeof(TTo) == typeof(BFloat16))
            return As<BFloat16, TTo>((BFloat16)(float)x);
        if (typeof(TTo) == typeof(ulong))
            return As<ulong, TTo>(x >= 0 ? (ulong)x : (ulong)(long)x);
        bool isWide = typeof(TTo) == typeof(long) || typeof(TTo) == typeof(uint);
        double limit = isWide ? 9223372036854775808.0 : 2147483648.0;
        long whole = x >= -limit && x < limit ? (long)x : isWide ? long.MinValue : int.MinValue;
        return *(TTo*)&whole;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TTo As<T, TTo>(T x)
        where T : unmanaged
        where TTo : unmanaged => *(TTo*)&x;

    private readonly struct Body<TFrom, TTo>(TFrom* from, long stride, TTo* to) : IRunBody
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        private readonly TFrom* _from = from;
        private readonly TTo* _to = to;

        public void Run(long output, ReadOnlySpan<long> offsets, int length)
        {
            if (stride == 1)
                Contiguous(_from + offsets[0], _to + output, length);
            else
                Strided(_from + offsets[0], stride, _to + output, length);
        }
    }
}
