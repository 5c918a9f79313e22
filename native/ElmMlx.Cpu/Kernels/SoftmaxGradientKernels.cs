using System.Runtime.CompilerServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// y · (g − Σ g · y), a row at a time, for float64 and otherwise in float32 and rounded once.
/// </summary>
internal static unsafe class SoftmaxGradientKernels
{
    /// <summary>Elements of a task.</summary>
    private const int TaskSize = 1 << 14;

    public static void Run(in SoftmaxGradientArguments arguments)
    {
        switch (arguments.Type)
        {
            case mlx_dtype.MLX_FLOAT32:
                Simd.Run<Kernel<Float32Format>, SoftmaxGradientArguments>(arguments);
                break;
            case mlx_dtype.MLX_BFLOAT16:
                Simd.Run<Kernel<BFloat16Format>, SoftmaxGradientArguments>(arguments);
                break;
            case mlx_dtype.MLX_FLOAT16:
                Simd.Run<Kernel<Float16Format>, SoftmaxGradientArguments>(arguments);
                break;
            case mlx_dtype.MLX_FLOAT64:
                RunNaive<double>(arguments);
                break;
            default:
                throw new ArgumentException($"[softmax] Not supported for {arguments.Type.Name()}.");
        }
    }

    /// <summary>The naive twin, in float64; of float32 and float64.</summary>
    public static void RunNaive<T>(in SoftmaxGradientArguments a)
        where T : unmanaged
    {
        for (long row = 0; row < a.YRows.Count; row++)
        {
            T* y = (T*)a.Y + a.YRows[row], g = (T*)a.G + a.GRows[row], result = (T*)a.Result + row * a.Width;
            double dot = 0;
            for (int i = 0; i < a.Width; i++)
                dot += CastKernels.Convert<T, double>(y[i]) * CastKernels.Convert<T, double>(g[i]);
            for (int i = 0; i < a.Width; i++)
            {
                result[i] = CastKernels.Convert<double, T>(
                    CastKernels.Convert<T, double>(y[i]) * (CastKernels.Convert<T, double>(g[i]) - dot));
            }
        }
    }

    private readonly struct Kernel<F> : ISimdKernel<SoftmaxGradientArguments>
        where F : struct, IFloatFormat
    {
        public static void Run<L, V>(in SoftmaxGradientArguments arguments)
            where L : struct, ISimd<V>
            where V : struct
        {
            SoftmaxGradientArguments a = arguments;
            long nRows = a.YRows.Count;
            int rowsPerTask = Math.Max(1, TaskSize / a.Width);
            int nTasks = (int)((nRows + rowsPerTask - 1) / rowsPerTask);
            WorkerPool.Run(nTasks, task =>
            {
                long first = (long)task * rowsPerTask, end = Math.Min(first + rowsPerTask, nRows);
                for (long row = first; row < end; row++)
                    Row<L, V>(a, row);
            });
        }

        private static void Row<L, V>(in SoftmaxGradientArguments a, long row)
            where L : struct, ISimd<V>
            where V : struct
        {
            byte* y = (byte*)a.Y + a.YRows[row] * F.Size, g = (byte*)a.G + a.GRows[row] * F.Size;
            Subtract<L, V, F>(y, g, Dot<L, V, F>(y, g, a.Width), a.Width, (byte*)a.Result + row * a.Width * F.Size);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Dot<L, V, F>(byte* y, byte* g, int n)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        V sum0 = default, sum1 = default;
        int i = 0;
        for (; i <= n - 2 * L.Count; i += 2 * L.Count)
        {
            sum0 = L.MultiplyAdd(F.Load<L, V>(y, i), F.Load<L, V>(g, i), sum0);
            sum1 = L.MultiplyAdd(F.Load<L, V>(y, i + L.Count), F.Load<L, V>(g, i + L.Count), sum1);
        }

        float result = L.Sum(L.Add(sum0, sum1));
        for (; i < n; i++)
            result += F.Load<SimdScalar, float>(y, i) * F.Load<SimdScalar, float>(g, i);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Subtract<L, V, F>(byte* y, byte* g, float dot, int n, byte* result)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        V centre = L.Create(dot);
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
            F.Store<L, V>(L.Multiply(F.Load<L, V>(y, i), L.Subtract(F.Load<L, V>(g, i), centre)), result, i);
        for (; i < n; i++)
            F.Store<SimdScalar, float>(
                F.Load<SimdScalar, float>(y, i) * (F.Load<SimdScalar, float>(g, i) - dot), result, i);
    }
}
