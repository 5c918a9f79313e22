using System.Runtime.CompilerServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// rms_norm and layer_norm, a row at a time in float32. As in MLX the normalised number is rounded to the dtype before
/// the weight multiplies it, and again before the bias is added.
/// </summary>
internal static unsafe class NormKernels
{
    /// <summary>Elements of a task.</summary>
    private const int TaskSize = 1 << 14;

    /// <summary>y = x / √(mean x² + ε) · weight.</summary>
    public static void RmsNorm(in NormArguments arguments) => Run(arguments, centres: false);

    /// <summary>y = (x − mean) / √(variance + ε) · weight + bias.</summary>
    public static void LayerNorm(in NormArguments arguments) => Run(arguments, centres: true);

    /// <summary>The naive twin of both, in float64 and rounded once; float32 x only.</summary>
    public static void RunNaive(in NormArguments a, bool centres)
    {
        for (long row = 0; row < a.Rows.Count; row++)
        {
            float* x = (float*)a.X + a.Rows[row], y = (float*)a.Y + row * a.Width;
            double mean = 0, square = 0;
            for (int i = 0; i < a.Width && centres; i++)
                mean += x[i] / (double)a.Width;
            for (int i = 0; i < a.Width; i++)
                square += (x[i] - mean) * (x[i] - mean) / a.Width;
            for (int i = 0; i < a.Width; i++)
            {
                double value = (x[i] - mean) / Math.Sqrt(square + a.Epsilon);
                value *= a.Weight is null ? 1 : ((float*)a.Weight)[i];
                y[i] = (float)(value + (a.Bias is null ? 0 : ((float*)a.Bias)[i]));
            }
        }
    }

    private static void Run(in NormArguments arguments, bool centres)
    {
        var job = new Job { Arguments = arguments, Centres = centres };
        switch (arguments.Type)
        {
            case mlx_dtype.MLX_FLOAT32:
                Simd.Run<Kernel<Float32Format>, Job>(job);
                break;
            case mlx_dtype.MLX_BFLOAT16:
                Simd.Run<Kernel<BFloat16Format>, Job>(job);
                break;
            case mlx_dtype.MLX_FLOAT16:
                Simd.Run<Kernel<Float16Format>, Job>(job);
                break;
            default:
                throw new ArgumentException("[norm] Only float32, float16 and bfloat16 are supported.");
        }
    }

    private struct Job
    {
        public NormArguments Arguments;
        public bool Centres;
    }

    private readonly struct Kernel<F> : ISimdKernel<Job>
        where F : struct, IFloatFormat
    {
        public static void Run<L, V>(in Job arguments)
            where L : struct, ISimd<V>
            where V : struct
        {
            Job job = arguments;
            long nRows = job.Arguments.Rows.Count;
            int rowsPerTask = Math.Max(1, TaskSize / Math.Max(1, job.Arguments.Width));
            int nTasks = (int)((nRows + rowsPerTask - 1) / rowsPerTask);
            if (nTasks <= 1)
                Rows<L, V>(job, 0, nRows);
            else
                Share<L, V>(job, nTasks, rowsPerTask, nRows);
        }

        private static void Share<L, V>(Job job, int nTasks, int rowsPerTask, long nRows)
            where L : struct, ISimd<V>
            where V : struct =>
            WorkerPool.Run(nTasks, task =>
            {
                long first = (long)task * rowsPerTask;
                Rows<L, V>(job, first, Math.Min(first + rowsPerTask, nRows));
            });

        private static void Rows<L, V>(in Job job, long first, long end)
            where L : struct, ISimd<V>
            where V : struct
        {
            ref readonly NormArguments a = ref job.Arguments;
            for (long row = first; row < end; row++)
            {
                byte* x = (byte*)a.X + a.Rows[row] * F.Size;
                byte* y = (byte*)a.Y + row * a.Width * F.Size;
                float mean = job.Centres ? Sum<L, V, F>(x, a.Width) / a.Width : 0;
                float square = SumOfSquares<L, V, F>(x, mean, a.Width) / a.Width;
                Scale<L, V, F>(x, mean, 1 / MathF.Sqrt(square + a.Epsilon), a.Weight, a.Bias, a.Width, y);
            }
        }
    }

    /// <summary>Σ x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Sum<L, V, F>(byte* x, int n)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        V sum = default;
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
            sum = L.Add(sum, F.Load<L, V>(x, i));
        float result = L.Sum(sum);
        for (; i < n; i++)
            result += F.Load<SimdScalar, float>(x, i);
        return result;
    }

    /// <summary>Σ (x − mean)².</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float SumOfSquares<L, V, F>(byte* x, float mean, int n)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        V sum0 = default, sum1 = default, centre = L.Create(mean);
        int i = 0;
        for (; i <= n - 2 * L.Count; i += 2 * L.Count)
        {
            V x0 = L.Subtract(F.Load<L, V>(x, i), centre), x1 = L.Subtract(F.Load<L, V>(x, i + L.Count), centre);
            sum0 = L.MultiplyAdd(x0, x0, sum0);
            sum1 = L.MultiplyAdd(x1, x1, sum1);
        }

        float result = L.Sum(L.Add(sum0, sum1));
        for (; i < n; i++)
        {
            float value = F.Load<SimdScalar, float>(x, i) - mean;
            result += value * value;
        }

        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale<L, V, F>(byte* x, float mean, float factor, void* weight, void* bias, int n, byte* y)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
            ScaleAt<L, V, F>(x, mean, factor, weight, bias, i, y);
        for (; i < n; i++)
            ScaleAt<SimdScalar, float, F>(x, mean, factor, weight, bias, i, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaleAt<L, V, F>(byte* x, float mean, float factor, void* weight, void* bias, int i, byte* y)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        V value = L.Multiply(L.Subtract(F.Load<L, V>(x, i), L.Create(mean)), L.Create(factor));
        F.Store<L, V>(value, y, i);
        if (weight is not null)
            F.Store<L, V>(L.Multiply(F.Load<L, V>(y, i), F.Load<L, V>(weight, i)), y, i);
        if (bias is not null)
            F.Store<L, V>(L.Add(F.Load<L, V>(y, i), F.Load<L, V>(bias, i)), y, i);
    }
}
