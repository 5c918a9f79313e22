using System.Runtime.CompilerServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Gradients of rms_norm and layer_norm, a row at a time in float32. With n = (x − mean) · r and u = g · weight:
/// dx = r · (u − mean u − n · mean(u · n)), dweight = Σ g · n and dbias = Σ g over the rows; rms_norm has no means of x and u.
/// </summary>
/// <remarks>Sums over rows are made in parts that follow from the shape alone and are added in order.</remarks>
internal static unsafe class NormGradientKernels
{
    /// <summary>Elements of a task, at least.</summary>
    private const int TaskSize = 1 << 14;

    /// <summary>Tasks at most: each has sums over its rows.</summary>
    private const int TaskLimit = 64;

    public static void Run(in NormGradientArguments arguments)
    {
        switch (arguments.Forward.Type)
        {
            case mlx_dtype.MLX_FLOAT32:
                Simd.Run<Kernel<Float32Format>, NormGradientArguments>(arguments);
                break;
            case mlx_dtype.MLX_BFLOAT16:
                Simd.Run<Kernel<BFloat16Format>, NormGradientArguments>(arguments);
                break;
            case mlx_dtype.MLX_FLOAT16:
                Simd.Run<Kernel<Float16Format>, NormGradientArguments>(arguments);
                break;
            default:
                throw new ArgumentException("[norm] Only float32, float16 and bfloat16 are supported.");
        }
    }

    /// <summary>The naive twin, in float64 and rounded once; float32 arrays only.</summary>
    public static void RunNaive(in NormGradientArguments all)
    {
        NormArguments a = all.Forward;
        double[] ofWeight = new double[a.Width], ofBias = new double[a.Width], n = new double[a.Width], u = new double[a.Width];
        for (long row = 0; row < a.Rows.Count; row++)
        {
            float* x = (float*)a.X + a.Rows[row], g = (float*)all.G + all.GRows[row];
            double mean = 0, square = 0, meanU = 0, pull = 0;
            for (int i = 0; i < a.Width && all.Centres; i++)
                mean += x[i] / (double)a.Width;
            for (int i = 0; i < a.Width; i++)
                square += (x[i] - mean) * (x[i] - mean) / a.Width;
            double inverse = 1 / Math.Sqrt(square + a.Epsilon);
            for (int i = 0; i < a.Width; i++)
            {
                n[i] = (x[i] - mean) * inverse;
                u[i] = g[i] * (a.Weight is null ? 1.0 : ((float*)a.Weight)[i]);
                meanU += all.Centres ? u[i] / a.Width : 0;
                pull += u[i] * n[i] / a.Width;
                ofWeight[i] += g[i] * n[i];
                ofBias[i] += g[i];
            }

            for (int i = 0; i < a.Width; i++)
                ((float*)all.OfX)[row * a.Width + i] = (float)(inverse * (u[i] - meanU - n[i] * pull));
        }

        for (int i = 0; i < a.Width; i++)
        {
            ((float*)all.OfWeight)[i] = (float)ofWeight[i];
            ((float*)all.OfBias)[i] = (float)ofBias[i];
        }
    }

    private readonly struct Kernel<F> : ISimdKernel<NormGradientArguments>
        where F : struct, IFloatFormat
    {
        public static void Run<L, V>(in NormGradientArguments arguments)
            where L : struct, ISimd<V>
            where V : struct
        {
            NormGradientArguments all = arguments;
            int width = all.Forward.Width;
            long nRows = all.Forward.Rows.Count;
            long rowsPerTask = Math.Max(Math.Max(1, TaskSize / Math.Max(1, width)), (nRows + TaskLimit - 1) / TaskLimit);
            int nTasks = (int)((nRows + rowsPerTask - 1) / rowsPerTask);
            float* sums = KernelScratch.Floats(KernelScratch.Use.Sums, 2L * nTasks * width);
            WorkerPool.Run(nTasks, task =>
            {
                float* ofWeight = all.OfWeight is null ? null : sums + 2L * task * width;
                float* ofBias = all.OfBias is null ? null : sums + (2L * task + 1) * width;
                new Span<float>(sums + 2L * task * width, 2 * width).Clear();
                long first = task * rowsPerTask, end = Math.Min(first + rowsPerTask, nRows);
                for (long row = first; row < end; row++)
                    Row<L, V>(all, row, ofWeight, ofBias);
            });
            AddUp(sums, nTasks, width, all.OfWeight);
            AddUp(sums + width, nTasks, width, all.OfBias);
        }

        private static void Row<L, V>(in NormGradientArguments all, long row, float* ofWeight, float* ofBias)
            where L : struct, ISimd<V>
            where V : struct
        {
            ref readonly NormArguments a = ref all.Forward;
            byte* x = (byte*)a.X + a.Rows[row] * F.Size, g = (byte*)all.G + all.GRows[row] * F.Size;
            float mean = all.Centres ? NormKernels.Sum<L, V, F>(x, a.Width) / a.Width : 0;
            float square = NormKernels.SumOfSquares<L, V, F>(x, mean, a.Width) / a.Width;
            float inverse = 1 / MathF.Sqrt(square + a.Epsilon);
            (float sum, float dot) = Sums<L, V, F>(x, g, a.Weight, mean, a.Width);
            var of = new OfRow
            {
                X = x,
                G = g,
                Weight = a.Weight,
                Mean = mean,
                Inverse = inverse,
                MeanU = all.Centres ? sum / a.Width : 0,
                Pull = dot * inverse / a.Width,
                OfX = all.OfX is null ? null : (byte*)all.OfX + row * a.Width * F.Size,
                OfWeight = ofWeight,
                OfBias = ofBias,
            };
            Store<L, V, F>(of, a.Width);
        }

        private static void AddUp(float* sums, int nTasks, int width, void* to)
        {
            for (int i = 0; i < width && to is not null; i++)
            {
                float sum = 0;
                for (int task = 0; task < nTasks; task++)
                    sum += sums[2L * task * width + i];
                F.Store<SimdScalar, float>(sum, to, i);
            }
        }
    }

    /// <summary>Σ u and Σ u · (x − mean).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (float Sum, float Dot) Sums<L, V, F>(byte* x, byte* g, void* weight, float mean, int n)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        V sums = default, dots = default, centre = L.Create(mean);
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
        {
            V u = F.Load<L, V>(g, i);
            if (weight is not null)
                u = L.Multiply(u, F.Load<L, V>(weight, i));
            sums = L.Add(sums, u);
            dots = L.MultiplyAdd(u, L.Subtract(F.Load<L, V>(x, i), centre), dots);
        }

        float sum = L.Sum(sums), dot = L.Sum(dots);
        for (; i < n; i++)
        {
            float u = F.Load<SimdScalar, float>(g, i);
            if (weight is not null)
                u *= F.Load<SimdScalar, float>(weight, i);
            sum += u;
            dot += u * (F.Load<SimdScalar, float>(x, i) - mean);
        }

        return (sum, dot);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store<L, V, F>(in OfRow row, int n)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
            StoreAt<L, V, F>(row, i);
        for (; i < n; i++)
            StoreAt<SimdScalar, float, F>(row, i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreAt<L, V, F>(in OfRow row, int i)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        V g = F.Load<L, V>(row.G, i), inverse = L.Create(row.Inverse);
        V normal = L.Multiply(L.Subtract(F.Load<L, V>(row.X, i), L.Create(row.Mean)), inverse);
        if (row.OfWeight is not null)
            L.Store(L.MultiplyAdd(g, normal, L.Load(row.OfWeight + i)), row.OfWeight + i);
        if (row.OfBias is not null)
            L.Store(L.Add(g, L.Load(row.OfBias + i)), row.OfBias + i);
        if (row.OfX is null)
            return;
        V u = row.Weight is null ? g : L.Multiply(g, F.Load<L, V>(row.Weight, i));
        V left = L.Subtract(L.Subtract(u, L.Create(row.MeanU)), L.Multiply(normal, L.Create(row.Pull)));
        F.Store<L, V>(L.Multiply(inverse, left), row.OfX, i);
    }

    private struct OfRow
    {
        public byte* X, G, OfX;
        public void* Weight;
        public float Mean, Inverse, MeanU, Pull;
        public float* OfWeight, OfBias;
    }
}
