using System.Numerics;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Reductions of any view over any axes into row-contiguous memory.</summary>
internal static unsafe class ReduceKernels
{
    /// <summary>
    /// Sums or products. The result is int32, uint32 or 64 bits wide for integers; for half precision it may be float32
    /// or the input's dtype.
    /// </summary>
    public static void Sum<TFormula>(Node x, Node y, int[] axes, double start)
        where TFormula : struct, INumberBinary, IComplexBinary
    {
        ReducePlan plan = ReducePlan.Of(x.Shape, x.Strides, axes);
        switch (x.Type)
        {
            case MLX_BOOL: Run<TFormula, bool, int>(plan, x, y, start); break;
            case MLX_UINT8: Run<TFormula, byte, uint>(plan, x, y, start); break;
            case MLX_UINT16: Run<TFormula, ushort, uint>(plan, x, y, start); break;
            case MLX_UINT32: Run<TFormula, uint, uint>(plan, x, y, start); break;
            case MLX_UINT64: Run<TFormula, ulong, ulong>(plan, x, y, start); break;
            case MLX_INT8: Run<TFormula, sbyte, int>(plan, x, y, start); break;
            case MLX_INT16: Run<TFormula, short, int>(plan, x, y, start); break;
            case MLX_INT32: Run<TFormula, int, int>(plan, x, y, start); break;
            case MLX_INT64: Run<TFormula, long, long>(plan, x, y, start); break;
            case MLX_FLOAT16: Run<TFormula, Half, float>(plan, x, y, start); break;
            case MLX_BFLOAT16: Run<TFormula, BFloat16, float>(plan, x, y, start); break;
            case MLX_FLOAT32: Run<TFormula, float, float>(plan, x, y, start); break;
            case MLX_FLOAT64: Run<TFormula, double, double>(plan, x, y, start); break;
            default:
                ReduceDriver<ComplexBinaryOf<TFormula>, Complex64, Complex64>.Run(
                    plan, (Complex64*)x.Data, y.Data, y.Type, new((float)start, 0));
                break;
        }
    }

    /// <summary>Largest or smallest elements; <paramref name="isMax"/> says from which end to start.</summary>
    public static void Extreme<TFormula>(Node x, Node y, int[] axes, bool isMax)
        where TFormula : struct, INumberBinary
    {
        ReducePlan plan = ReducePlan.Of(x.Shape, x.Strides, axes);
        switch (x.Type)
        {
            case MLX_BOOL or MLX_UINT8: Run<TFormula, byte>(plan, x, y, isMax ? byte.MinValue : byte.MaxValue); break;
            case MLX_UINT16: Run<TFormula, ushort>(plan, x, y, isMax ? ushort.MinValue : ushort.MaxValue); break;
            case MLX_UINT32: Run<TFormula, uint>(plan, x, y, isMax ? uint.MinValue : uint.MaxValue); break;
            case MLX_UINT64: Run<TFormula, ulong>(plan, x, y, isMax ? ulong.MinValue : ulong.MaxValue); break;
            case MLX_INT8: Run<TFormula, sbyte>(plan, x, y, isMax ? sbyte.MinValue : sbyte.MaxValue); break;
            case MLX_INT16: Run<TFormula, short>(plan, x, y, isMax ? short.MinValue : short.MaxValue); break;
            case MLX_INT32: Run<TFormula, int>(plan, x, y, isMax ? int.MinValue : int.MaxValue); break;
            case MLX_INT64: Run<TFormula, long>(plan, x, y, isMax ? long.MinValue : long.MaxValue); break;
            case MLX_FLOAT16: RunHalf<TFormula, Half>(plan, x, y, isMax); break;
            case MLX_BFLOAT16: RunHalf<TFormula, BFloat16>(plan, x, y, isMax); break;
            case MLX_FLOAT32:
                Run<TFormula, float>(plan, x, y, isMax ? float.NegativeInfinity : float.PositiveInfinity);
                break;
            case MLX_FLOAT64:
                Run<TFormula, double>(plan, x, y, isMax ? double.NegativeInfinity : double.PositiveInfinity);
                break;
            default:
                float end = isMax ? float.NegativeInfinity : float.PositiveInfinity;
                if (isMax)
                    ReduceDriver<ComplexMaximum, Complex64, Complex64>.Run(
                        plan, (Complex64*)x.Data, y.Data, y.Type, new(end, end));
                else
                    ReduceDriver<ComplexMinimum, Complex64, Complex64>.Run(
                        plan, (Complex64*)x.Data, y.Data, y.Type, new(end, end));
                break;
        }
    }

    /// <summary>And (start 1) or or (start 0) of bool.</summary>
    public static void Logical<TFormula>(Node x, Node y, int[] axes, byte start)
        where TFormula : struct, IIntegerBinary
    {
        ReducePlan plan = ReducePlan.Of(x.Shape, x.Strides, axes);
        ReduceDriver<IntegerBinaryOf<TFormula, byte>, byte, byte>.Run(plan, (byte*)x.Data, y.Data, y.Type, start);
    }

    private static void Run<TFormula, TIn, TSum>(ReducePlan plan, Node x, Node y, double start)
        where TFormula : struct, INumberBinary
        where TIn : unmanaged
        where TSum : unmanaged, INumber<TSum> => ReduceDriver<NumberBinaryOf<TFormula, TSum>, TIn, TSum>.Run(
            plan, (TIn*)x.Data, y.Data, y.Type, TSum.CreateTruncating(start));

    private static void Run<TFormula, T>(ReducePlan plan, Node x, Node y, T start)
        where TFormula : struct, INumberBinary
        where T : unmanaged, INumber<T> => ReduceDriver<NumberBinaryOf<TFormula, T>, T, T>.Run(
            plan, (T*)x.Data, y.Data, y.Type, start);

    private static void RunHalf<TFormula, T>(ReducePlan plan, Node x, Node y, bool isMax)
        where TFormula : struct, INumberBinary
        where T : unmanaged => ReduceDriver<NumberBinaryOf<TFormula, float>, T, float>.Run(
            plan, (T*)x.Data, y.Data, y.Type, isMax ? float.NegativeInfinity : float.PositiveInfinity);
}
