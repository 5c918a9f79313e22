using System.Numerics;
using System.Runtime.CompilerServices;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Running sums, products and extremes of rows. Half precision runs in float32 and is rounded at each
/// element.
/// </summary>
internal static unsafe class ScanKernels
{
    public static void Run(Node x, Node y, ScanKind kind, bool isReverse, bool isInclusive)
    {
        switch (x.Type)
        {
            case MLX_BOOL when y.Type == MLX_BOOL: Number<bool, byte>(x, y, kind, isReverse, isInclusive); break;
            case MLX_BOOL: Number<bool, int>(x, y, kind, isReverse, isInclusive); break;
            case MLX_UINT8: Number<byte, byte>(x, y, kind, isReverse, isInclusive); break;
            case MLX_UINT16: Number<ushort, ushort>(x, y, kind, isReverse, isInclusive); break;
            case MLX_UINT32: Number<uint, uint>(x, y, kind, isReverse, isInclusive); break;
            case MLX_UINT64: Number<ulong, ulong>(x, y, kind, isReverse, isInclusive); break;
            case MLX_INT8: Number<sbyte, sbyte>(x, y, kind, isReverse, isInclusive); break;
            case MLX_INT16: Number<short, short>(x, y, kind, isReverse, isInclusive); break;
            case MLX_INT32: Number<int, int>(x, y, kind, isReverse, isInclusive); break;
            case MLX_INT64: Number<long, long>(x, y, kind, isReverse, isInclusive); break;
            case MLX_FLOAT16: Number<Half, float>(x, y, kind, isReverse, isInclusive); break;
            case MLX_BFLOAT16: Number<BFloat16, float>(x, y, kind, isReverse, isInclusive); break;
            case MLX_FLOAT32: Number<float, float>(x, y, kind, isReverse, isInclusive); break;
            case MLX_FLOAT64: Number<double, double>(x, y, kind, isReverse, isInclusive); break;
            default: Complex(x, y, kind, isReverse, isInclusive); break;
        }
    }

    private static void Number<TIn, T>(Node x, Node y, ScanKind kind, bool isReverse, bool isInclusive)
        where TIn : unmanaged
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        bool isFloating = x.Type.IsFloating();
        T lowest = isFloating ? T.CreateTruncating(float.NegativeInfinity) : T.MinValue;
        T highest = isFloating ? T.CreateTruncating(float.PositiveInfinity) : T.MaxValue;
        switch (kind)
        {
            case ScanKind.Sum: Rows<TIn, T, SumStep>(x, y, T.Zero, isReverse, isInclusive); break;
            case ScanKind.Prod: Rows<TIn, T, ProdStep>(x, y, T.One, isReverse, isInclusive); break;
            case ScanKind.Max: Rows<TIn, T, MaxStep>(x, y, lowest, isReverse, isInclusive); break;
            case ScanKind.Min: Rows<TIn, T, MinStep>(x, y, highest, isReverse, isInclusive); break;
            default: Rows<TIn, T, LogAddExpStep>(x, y, lowest, isReverse, isInclusive); break;
        }
    }

    private static void Rows<TIn, T, TStep>(Node x, Node y, T start, bool isReverse, bool isInclusive)
        where TIn : unmanaged
        where T : unmanaged, INumber<T>
        where TStep : struct, IStep
    {
        var rows = new Rows(x);
        var from = (TIn*)x.Data;
        var to = (TIn*)y.Data;          // of one size with T where the dtypes differ
        rows.ForEach((first, end) =>
        {
            for (long row = first; row < end; row++)
            {
                TIn* source = from + rows.Offset(row);
                long target = row * rows.Length;
                T running = start;
                for (int k = 0; k < rows.Length; k++)
                {
                    int i = isReverse ? rows.Length - 1 - k : k;
                    T before = running;
                    T element = CastKernels.Convert<TIn, T>(source[i * rows.Stride]);
                    running = k == 0 && isInclusive ? element : TStep.Apply(running, element);
                    Store(isInclusive ? running : before, to, target + i);
                }
            }
        });
    }

    private static void Complex(Node x, Node y, ScanKind kind, bool isReverse, bool isInclusive)
    {
        var rows = new Rows(x);
        var from = (Complex64*)x.Data;
        var to = (Complex64*)y.Data;
        Complex64 start = kind switch
        {
            ScanKind.Sum => default,
            ScanKind.Prod => new(1, 0),
            ScanKind.Min => new(float.PositiveInfinity, 0),
            _ => new(float.NegativeInfinity, 0),
        };
        for (long row = 0; row < rows.Count; row++)
        {
            Complex64* source = from + rows.Offset(row), target = to + row * rows.Length;
            Complex64 running = start;
            for (int k = 0; k < rows.Length; k++)
            {
                int i = isReverse ? rows.Length - 1 - k : k;
                Complex64 element = source[i * rows.Stride];
                Complex64 next = k == 0 && isInclusive ? element : Next(kind, running, element);
                target[i] = isInclusive ? next : running;
                running = next;
            }
        }
    }

    private static Complex64 Next(ScanKind kind, Complex64 running, Complex64 x) => kind switch
    {
        ScanKind.Sum => running + x,
        ScanKind.Prod => running * x,
        ScanKind.Max => x < running ? running : x,
        ScanKind.Min => x < running ? x : running,
        _ => (Complex64)LogAddExpFormula.Apply(running, x),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TIn, T>(T value, TIn* to, long at)
        where TIn : unmanaged
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
            to[at] = CastKernels.Convert<T, TIn>(value);
        else if (typeof(TIn) == typeof(bool) && typeof(T) == typeof(byte))
            to[at] = CastKernels.Convert<T, TIn>(value);
        else
            ((T*)to)[at] = value;
    }

    private interface IStep
    {
        static abstract T Apply<T>(T running, T x)
            where T : unmanaged, INumber<T>;
    }

    private readonly struct SumStep : IStep
    {
        public static T Apply<T>(T running, T x)
            where T : unmanaged, INumber<T> => unchecked(running + x);
    }

    private readonly struct ProdStep : IStep
    {
        public static T Apply<T>(T running, T x)
            where T : unmanaged, INumber<T> => unchecked(running * x);
    }

    // As in MLX: a maximum forgets a NaN at the next element, a minimum passes over all but a first one.
    private readonly struct MaxStep : IStep
    {
        public static T Apply<T>(T running, T x)
            where T : unmanaged, INumber<T> => x < running ? running : x;
    }

    private readonly struct MinStep : IStep
    {
        public static T Apply<T>(T running, T x)
            where T : unmanaged, INumber<T> => x < running ? x : running;
    }

    private readonly struct LogAddExpStep : IStep
    {
        public static T Apply<T>(T running, T x)
            where T : unmanaged, INumber<T> =>
            T.CreateTruncating(LogAddExpFormula.Apply(double.CreateTruncating(running), double.CreateTruncating(x)));
    }
}
