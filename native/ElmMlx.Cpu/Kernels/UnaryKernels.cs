using System.Numerics;
using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Unary formulas on nodes: from a dtype to the driver of its element type.</summary>
internal static unsafe class UnaryKernels
{
    /// <summary>A formula of any number. bool counts as uint8, and what is not 0 is true.</summary>
    public static void Number<TFormula>(Node x, Node y)
        where TFormula : struct, INumberUnary
    {
        switch (x.Type)
        {
            case MLX_BOOL:
                RunNumber<TFormula, byte>(x, y);
                Booleans.Normalize(y);
                break;
            case MLX_UINT8: RunNumber<TFormula, byte>(x, y); break;
            case MLX_UINT16: RunNumber<TFormula, ushort>(x, y); break;
            case MLX_UINT32: RunNumber<TFormula, uint>(x, y); break;
            case MLX_UINT64: RunNumber<TFormula, ulong>(x, y); break;
            case MLX_INT8: RunNumber<TFormula, sbyte>(x, y); break;
            case MLX_INT16: RunNumber<TFormula, short>(x, y); break;
            case MLX_INT32: RunNumber<TFormula, int>(x, y); break;
            case MLX_INT64: RunNumber<TFormula, long>(x, y); break;
            case MLX_FLOAT16: RunHalf<NumberUnaryOf<TFormula, float>, Half>(x, y); break;
            case MLX_BFLOAT16: RunHalf<NumberUnaryOf<TFormula, float>, BFloat16>(x, y); break;
            case MLX_FLOAT32: RunNumber<TFormula, float>(x, y); break;
            case MLX_FLOAT64: RunNumber<TFormula, double>(x, y); break;
            default: throw Unsupported(x.Type);
        }
    }

    /// <summary>A formula of floating-point numbers.</summary>
    public static void Float<TFormula>(Node x, Node y)
        where TFormula : struct, IFloatUnary
    {
        switch (x.Type)
        {
            case MLX_FLOAT16: RunHalf<SingleUnaryOf<TFormula>, Half>(x, y); break;
            case MLX_BFLOAT16: RunHalf<SingleUnaryOf<TFormula>, BFloat16>(x, y); break;
            case MLX_FLOAT32: Run<SingleUnaryOf<TFormula>, float>(x, y); break;
            case MLX_FLOAT64: Run<DoubleUnaryOf<TFormula>, double>(x, y); break;
            default: throw Unsupported(x.Type);
        }
    }

    /// <summary>A formula of complex numbers.</summary>
    public static void Complex<TFormula>(Node x, Node y)
        where TFormula : struct, IComplexUnary => Run<ComplexUnaryOf<TFormula>, Complex64>(x, y);

    private static ArgumentException Unsupported(mlx_dtype type) =>
        new($"[cpu] This operation has no meaning for {type.Name()}: cast to another dtype first.");

    private static void RunNumber<TFormula, T>(Node x, Node y)
        where TFormula : struct, INumberUnary
        where T : unmanaged, INumber<T> => Run<NumberUnaryOf<TFormula, T>, T>(x, y);

    private static void Run<TFormula, T>(Node x, Node y)
        where TFormula : struct, IUnary<T>
        where T : unmanaged
    {
        var runs = new Runs(x.Shape, x.Strides);
        runs.ForEach(new UnaryBody<TFormula, T>((T*)x.Data, runs.Stride(0), (T*)y.Data));
    }

    private static void RunHalf<TFormula, T>(Node x, Node y)
        where TFormula : struct, IUnary<float>
        where T : unmanaged
    {
        var runs = new Runs(x.Shape, x.Strides);
        runs.ForEach(new HalfUnaryBody<TFormula, T>((T*)x.Data, runs.Stride(0), (T*)y.Data));
    }
}
