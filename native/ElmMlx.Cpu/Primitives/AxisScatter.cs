using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>Chooses the kernel of an axis-wise scatter by mode and dtype.</summary>
internal static unsafe class AxisScatter
{
    public static void Run(ScatterMode mode, int axis, int[] shape, long[] offsets, Node updates, Node output)
    {
        if (mode == ScatterMode.Set)
        {
            switch (output.Type.Size())
            {
                case 1:
                    Run<CombineSet<byte>, byte>(axis, shape, offsets, updates, output);
                    break;
                case 2:
                    Run<CombineSet<ushort>, ushort>(axis, shape, offsets, updates, output);
                    break;
                case 4:
                    Run<CombineSet<uint>, uint>(axis, shape, offsets, updates, output);
                    break;
                default:
                    Run<CombineSet<ulong>, ulong>(axis, shape, offsets, updates, output);
                    break;
            }

            return;
        }

        switch (output.Type)
        {
            case MLX_BOOL:
                Run<CombineOf<CombineMax, byte>, byte>(axis, shape, offsets, updates, output);
                break;
            case MLX_UINT8 or MLX_INT8:     // sums wrap alike
                Run<CombineOf<CombineSum, byte>, byte>(axis, shape, offsets, updates, output);
                break;
            case MLX_UINT16 or MLX_INT16:
                Run<CombineOf<CombineSum, ushort>, ushort>(axis, shape, offsets, updates, output);
                break;
            case MLX_UINT32 or MLX_INT32:
                Run<CombineOf<CombineSum, uint>, uint>(axis, shape, offsets, updates, output);
                break;
            case MLX_UINT64 or MLX_INT64:
                Run<CombineOf<CombineSum, ulong>, ulong>(axis, shape, offsets, updates, output);
                break;
            case MLX_FLOAT16:
                Run<CombineOf<CombineSum, Half>, Half>(axis, shape, offsets, updates, output);
                break;
            case MLX_BFLOAT16:
                Run<CombineBFloat16<CombineSum>, BFloat16>(axis, shape, offsets, updates, output);
                break;
            case MLX_FLOAT32:
                Run<CombineOf<CombineSum, float>, float>(axis, shape, offsets, updates, output);
                break;
            case MLX_FLOAT64:
                Run<CombineOf<CombineSum, double>, double>(axis, shape, offsets, updates, output);
                break;
            default:
                Run<CombineComplex<CombineSum>, Complex64>(axis, shape, offsets, updates, output);
                break;
        }
    }

    private static void Run<TFormula, T>(int axis, int[] shape, long[] offsets, Node updates, Node output)
        where TFormula : struct, ICombine<T>
        where T : unmanaged =>
        GatherKernels.AlongAxis<TFormula, T>(
            shape, axis, offsets, (T*)output.Data, output.Strides, (T*)updates.Data, updates.Strides, isGather: false);
}
