using System.Numerics;
using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Binary formulas on nodes of one shape and dtype: from a dtype to the driver of its element type.
/// </summary>
internal static unsafe class BinaryKernels
{
    /// <summary>A formula of any two numbers. bool counts as uint8, and what is not 0 is true.</summary>
    public static void Number<TFormula>(Node x, Node y, Node z)
        where TFormula : struct, INumberBinary
    {
        switch (x.Type)
        {
            case MLX_BOOL:
                RunNumber<TFormula, byte>(x, y, z);
                Booleans.Normalize(z);
                break;
            case MLX_UINT8: RunNumber<TFormula, byte>(x, y, z); break;
            case MLX_UINT16: RunNumber<TFormula, ushort>(x, y, z); break;
            case MLX_UINT32: RunNumber<TFormula, uint>(x, y, z); break;
            case MLX_UINT64: RunNumber<TFormula, ulong>(x, y, z); break;
            case MLX_INT8: RunNumber<TFormula, sbyte>(x, y, z); break;
            case MLX_INT16: RunNumber<TFormula, short>(x, y, z); break;
            case MLX_INT32: RunNumber<TFormula, int>(x, y, z); break;
            case MLX_INT64: RunNumber<TFormula, long>(x, y, z); break;
            case MLX_FLOAT16: RunHalf<NumberBinaryOf<TFormula, float>, Half>(x, y, z); break;
            case MLX_BFLOAT16: RunHalf<NumberBinaryOf<TFormula, float>, BFloat16>(x, y, z); break;
            case MLX_FLOAT32: RunNumber<TFormula, float>(x, y, z); break;
            case MLX_FLOAT64: RunNumber<TFormula, double>(x, y, z); break;
            default: throw Unsupported(x.Type);
        }
    }

    /// <summary>A formula of two integers; of bool as of uint8.</summary>
    public static void Integer<TFormula>(Node x, Node y, Node z)
        where TFormula : struct, IIntegerBinary
    {
        switch (x.Type)
        {
            case MLX_BOOL:
                RunInteger<TFormula, byte>(x, y, z);
                Booleans.Normalize(z);
                break;
            case MLX_UINT8: RunInteger<TFormula, byte>(x, y, z); break;
            case MLX_UINT16: RunInteger<TFormula, ushort>(x, y, z); break;
            case MLX_UINT32: RunInteger<TFormula, uint>(x, y, z); break;
            case MLX_UINT64: RunInteger<TFormula, ulong>(x, y, z); break;
            case MLX_INT8: RunInteger<TFormula, sbyte>(x, y, z); break;
            case MLX_INT16: RunInteger<TFormula, short>(x, y, z); break;
            case MLX_INT32: RunInteger<TFormula, int>(x, y, z); break;
            case MLX_INT64: RunInteger<TFormula, long>(x, y, z); break;
            default: throw Unsupported(x.Type);
        }
    }

    /// <summary>A formula of two floating-point numbers.</summary>
    public static void Float<TFormula>(Node x, Node y, Node z)
        where TFormula : struct, IFloatBinary
    {
        switch (x.Type)
        {
            case MLX_FLOAT16: RunHalf<SingleBinaryOf<TFormula>, Half>(x, y, z); break;
            case MLX_BFLOAT16: RunHalf<SingleBinaryOf<TFormula>, BFloat16>(x, y, z); break;
            case MLX_FLOAT32: Run<SingleBinaryOf<TFormula>, float>(x, y, z); break;
            case MLX_FLOAT64: Run<DoubleBinaryOf<TFormula>, double>(x, y, z); break;
            default: throw Unsupported(x.Type);
        }
    }

    /// <summary>A formula of two complex numbers.</summary>
    public static void Complex<TFormula>(Node x, Node y, Node z)
        where TFormula : struct, IComplexBinary => Run<ComplexBinaryOf<TFormula>, Complex64>(x, y, z);

    /// <summary>A comparison; the result is bool.</summary>
    public static void Compare<TFormula>(Node x, Node y, Node z)
        where TFormula : struct, INumberCompare
    {
        switch (x.Type)
        {
            case MLX_BOOL or MLX_UINT8: RunCompare<TFormula, byte>(x, y, z); break;
            case MLX_UINT16: RunCompare<TFormula, ushort>(x, y, z); break;
            case MLX_UINT32: RunCompare<TFormula, uint>(x, y, z); break;
            case MLX_UINT64: RunCompare<TFormula, ulong>(x, y, z); break;
            case MLX_INT8: RunCompare<TFormula, sbyte>(x, y, z); break;
            case MLX_INT16: RunCompare<TFormula, short>(x, y, z); break;
            case MLX_INT32: RunCompare<TFormula, int>(x, y, z); break;
            case MLX_INT64: RunCompare<TFormula, long>(x, y, z); break;
            case MLX_FLOAT16: RunHalfCompare<TFormula, Half>(x, y, z); break;
            case MLX_BFLOAT16: RunHalfCompare<TFormula, BFloat16>(x, y, z); break;
            case MLX_FLOAT32: RunCompare<TFormula, float>(x, y, z); break;
            case MLX_FLOAT64: RunCompare<TFormula, double>(x, y, z); break;
            default: throw Unsupported(x.Type);
        }
    }

    /// <summary>
    /// Whether complex numbers are equal; <paramref name="isNegated"/> asks whether they differ.
    /// </summary>
    public static void CompareComplex(Node x, Node y, Node z, bool isNegated, bool nanEqualsNan)
    {
        // Two lanes of float32 an element would need a driver of their own: rare, so plainly.
        var left = (Complex64*)x.Data;
        var right = (Complex64*)y.Data;
        var result = (byte*)z.Data;
        var xs = new Runs(x.Shape, x.Strides, y.Strides);
        xs.ForEach(new ComplexEqualBody(left, xs.Stride(0), right, xs.Stride(1), result, isNegated, nanEqualsNan));
    }

    /// <summary>x where the condition holds, else y.</summary>
    public static void Select(Node condition, Node x, Node y, Node z)
    {
        switch (x.Type.Size())
        {
            case 1: RunSelect<byte>(condition, x, y, z); break;
            case 2: RunSelect<ushort>(condition, x, y, z); break;
            case 4: RunSelect<uint>(condition, x, y, z); break;
            default: RunSelect<ulong>(condition, x, y, z); break;
        }
    }

    private static ArgumentException Unsupported(mlx_dtype type) =>
        new($"[cpu] This operation has no meaning for {type.Name()}: cast to another dtype first.");

    private static void RunNumber<TFormula, T>(Node x, Node y, Node z)
        where TFormula : struct, INumberBinary
        where T : unmanaged, INumber<T> => Run<NumberBinaryOf<TFormula, T>, T>(x, y, z);

    private static void RunInteger<TFormula, T>(Node x, Node y, Node z)
        where TFormula : struct, IIntegerBinary
        where T : unmanaged, IBinaryInteger<T> => Run<IntegerBinaryOf<TFormula, T>, T>(x, y, z);

    private static void Run<TFormula, T>(Node x, Node y, Node z)
        where TFormula : struct, IBinary<T>
        where T : unmanaged
    {
        var runs = new Runs(x.Shape, x.Strides, y.Strides);
        runs.ForEach(new BinaryBody<TFormula, T>(
            (T*)x.Data, runs.Stride(0), (T*)y.Data, runs.Stride(1), (T*)z.Data));
    }

    private static void RunHalf<TFormula, T>(Node x, Node y, Node z)
        where TFormula : struct, IBinary<float>
        where T : unmanaged
    {
        var runs = new Runs(x.Shape, x.Strides, y.Strides);
        runs.ForEach(new HalfBinaryBody<TFormula, T>(
            (T*)x.Data, runs.Stride(0), (T*)y.Data, runs.Stride(1), (T*)z.Data));
    }

    private static void RunCompare<TFormula, T>(Node x, Node y, Node z)
        where TFormula : struct, INumberCompare
        where T : unmanaged, INumber<T>
    {
        var runs = new Runs(x.Shape, x.Strides, y.Strides);
        runs.ForEach(new CompareBody<NumberCompareOf<TFormula, T>, T>(
            (T*)x.Data, runs.Stride(0), (T*)y.Data, runs.Stride(1), (byte*)z.Data));
    }

    private static void RunHalfCompare<TFormula, T>(Node x, Node y, Node z)
        where TFormula : struct, INumberCompare
        where T : unmanaged
    {
        var runs = new Runs(x.Shape, x.Strides, y.Strides);
        runs.ForEach(new HalfCompareBody<NumberCompareOf<TFormula, float>, T>(
            (T*)x.Data, runs.Stride(0), (T*)y.Data, runs.Stride(1), (byte*)z.Data));
    }

    private static void RunSelect<T>(Node condition, Node x, Node y, Node z)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>
    {
        var runs = new Runs(x.Shape, condition.Strides, x.Strides, y.Strides);
        runs.ForEach(new SelectBody<T>(
            (byte*)condition.Data, runs.Stride(0), (T*)x.Data, runs.Stride(1), (T*)y.Data, runs.Stride(2), (T*)z.Data));
    }
}
