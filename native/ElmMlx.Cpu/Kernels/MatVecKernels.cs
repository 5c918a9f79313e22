using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Products of a few rows with a large matrix, at the speed at which memory can be read. Each part of the matrix is read
/// once; further rows find it in the first-level cache. A pass reads four rows that lie a quarter of a task apart: four
/// streams that the processor's prefetchers follow, where four neighbours are one.
/// </summary>
internal static unsafe class MatVecKernels
{
    /// <summary>
    /// Bytes of the matrix that a task reads: a sixteenth, but not too few, since each start of four streams waits 1 µs for memory.
    /// </summary>
    private const long LargestTaskBytes = 1 << 20, UsualTaskBytes = 256 << 10, SmallestTaskBytes = 32 << 10;

    private const int Tasks = 16;

    /// <summary>How far ahead of each stream memory is asked for.</summary>
    public const int PrefetchBytes = 2048;

    /// <summary>Columns that the row-by-row form sums at a time.</summary>
    private const int BlockColumns = 512;

    /// <summary>
    /// A product with few rows and a B that is contiguous along one axis. <paramref name="store"/>(arguments, row, first
    /// column, columns, values) writes part of a row of the result.
    /// </summary>
    public static void Run<L, V, F>(
        MatMulArguments* arguments, delegate*<void*, int, int, int, float*, void> store)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        int m = arguments->M, k = arguments->K;
        int kPadded = (k + 15) / 16 * 16;
        float* x = KernelScratch.Floats(KernelScratch.Use.Input, (long)m * kPadded);
        for (int row = 0; row < m; row++)
            Widen<L, V, F>(arguments->A, row * arguments->ARow, arguments->AColumn, k, x + (long)row * kPadded);

        var job = new Job { Arguments = arguments, Store = store, X = x, XRow = kPadded };
        if (arguments->BRow == 1 || (k <= 1 && arguments->BColumn != 1))
        {
            job.ColumnsPerTask = RowsPerTask(arguments->N, (long)k * F.Size);
            WorkerPool.Run((arguments->N + job.ColumnsPerTask - 1) / job.ColumnsPerTask, &DotTask<L, V, F>, &job);
        }
        else
        {
            job.ColumnsPerTask = BlockColumns;
            WorkerPool.Run((arguments->N + BlockColumns - 1) / BlockColumns, &SumTask<L, V, F>, &job);
        }
    }

    /// <summary>
    /// <paramref name="count"/> numbers in float32, of which each lies <paramref name="step"/> elements behind the one before.
    /// </summary>
    public static void Widen<L, V, F>(void* from, long first, long step, int count, float* to)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        int i = 0;
        for (; step == 1 && i <= count - L.Count; i += L.Count)
            L.Store(F.Load<L, V>(from, first + i), to + i);
        for (; i < count; i++)
            to[i] = F.Load<SimdScalar, float>(from, first + i * step);
    }

    /// <summary>
    /// Rows of a matrix that a task reads, a multiple of 4. As many tasks for every thread, and two at least; each row's result is the
    /// same whatever task it is in, so the number of threads may count.
    /// </summary>
    /// <param name="nRows">Rows of the matrix.</param>
    /// <param name="rowBytes">Bytes of a row.</param>
    public static int RowsPerTask(int nRows, long rowBytes)
    {
        long all = nRows * Math.Max(1, rowBytes), nThreads = WorkerPool.ThreadCount;
        long tasks = all / Math.Clamp(all / Tasks, UsualTaskBytes, LargestTaskBytes);
        tasks = Math.Clamp(tasks, 1, Math.Max(1, all / SmallestTaskBytes));
        tasks = Math.Max(tasks, Math.Min(2 * nThreads, all / SmallestTaskBytes));
        tasks = (tasks + nThreads - 1) / nThreads * nThreads;
        return (int)Math.Clamp((nRows + 4 * tasks - 1) / (4 * tasks) * 4, 4, 4096);
    }

    // A column of B lies in one piece (a row of the weights): dot products, four columns a pass, each from another quarter.
    private static void DotTask<L, V, F>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref Job job = ref *(Job*)context;
        ref MatMulArguments a = ref *job.Arguments;
        int first = task * job.ColumnsPerTask, end = Math.Min(first + job.ColumnsPerTask, a.N), nColumns = end - first;
        float* results = KernelScratch.Floats(KernelScratch.Use.Tile, (long)a.M * nColumns);
        long step = a.BColumn * F.Size;
        int quarter = nColumns / 4;
        for (int i = 0; i < quarter; i++)
        {
            RowTile<L, V, F>.Dots(
                job.X, job.XRow, a.M, (byte*)a.B + (first + i) * step, quarter * step, a.K, PrefetchBytes, results + i, nColumns,
                quarter);
        }

        for (int n = first + 4 * quarter; n < end; n++)
        {
            byte* w = (byte*)a.B + n * step;
            for (int m = 0; m < a.M; m++)
                results[(long)m * nColumns + (n - first)] = Dot<L, V, F>(job.X + m * job.XRow, w, a.K);
        }

        for (int m = 0; m < a.M; m++)
            job.Store(job.Arguments, m, first, nColumns, results + (long)m * nColumns);
    }

    /// <summary>
    /// Four dot products with <paramref name="x"/>, of rows <paramref name="step"/> bytes apart, whose results go
    /// <paramref name="apart"/> floats apart; asks for the bytes <paramref name="prefetch"/> further on.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dot4<L, V, F>(
        float* x, byte* w0, long step, int n, long prefetch, float* results, int apart)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        byte* w1 = w0 + step, w2 = w1 + step, w3 = w2 + step;
        V s0 = default, s1 = default, s2 = default, s3 = default;
        V t0 = default, t1 = default, t2 = default, t3 = default;
        int i = 0;
        for (; i <= n - 2 * L.Count; i += 2 * L.Count)
        {
            if (Sse.IsSupported && prefetch != 0)
            {
                Sse.Prefetch0(w0 + prefetch + (long)i * F.Size);
                Sse.Prefetch0(w1 + prefetch + (long)i * F.Size);
                Sse.Prefetch0(w2 + prefetch + (long)i * F.Size);
                Sse.Prefetch0(w3 + prefetch + (long)i * F.Size);
            }

            V x0 = L.Load(x + i), x1 = L.Load(x + i + L.Count);
            s0 = L.MultiplyAdd(x0, F.Load<L, V>(w0, i), s0);
            s1 = L.MultiplyAdd(x0, F.Load<L, V>(w1, i), s1);
            s2 = L.MultiplyAdd(x0, F.Load<L, V>(w2, i), s2);
            s3 = L.MultiplyAdd(x0, F.Load<L, V>(w3, i), s3);
            t0 = L.MultiplyAdd(x1, F.Load<L, V>(w0, i + L.Count), t0);
            t1 = L.MultiplyAdd(x1, F.Load<L, V>(w1, i + L.Count), t1);
            t2 = L.MultiplyAdd(x1, F.Load<L, V>(w2, i + L.Count), t2);
            t3 = L.MultiplyAdd(x1, F.Load<L, V>(w3, i + L.Count), t3);
        }

        float r0 = L.Sum(L.Add(s0, t0)), r1 = L.Sum(L.Add(s1, t1));
        float r2 = L.Sum(L.Add(s2, t2)), r3 = L.Sum(L.Add(s3, t3));
        for (; i < n; i++)
        {
            r0 += x[i] * F.Load<SimdScalar, float>(w0, i);
            r1 += x[i] * F.Load<SimdScalar, float>(w1, i);
            r2 += x[i] * F.Load<SimdScalar, float>(w2, i);
            r3 += x[i] * F.Load<SimdScalar, float>(w3, i);
        }

        results[0] = r0;
        results[apart] = r1;
        results[2 * apart] = r2;
        results[3 * apart] = r3;
    }

    /// <summary>One dot product, summed in the same order as <see cref="Dot4"/> does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot<L, V, F>(float* x, byte* w, int n)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        V s = default, t = default;
        int i = 0;
        for (; i <= n - 2 * L.Count; i += 2 * L.Count)
        {
            s = L.MultiplyAdd(L.Load(x + i), F.Load<L, V>(w, i), s);
            t = L.MultiplyAdd(L.Load(x + i + L.Count), F.Load<L, V>(w, i + L.Count), t);
        }

        float result = L.Sum(L.Add(s, t));
        for (; i < n; i++)
            result += x[i] * F.Load<SimdScalar, float>(w, i);
        return result;
    }

    // A row of B lies in one piece: the result is a sum of rows.
    private static void SumTask<L, V, F>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref Job job = ref *(Job*)context;
        ref MatMulArguments a = ref *job.Arguments;
        int first = task * BlockColumns, nColumns = Math.Min(BlockColumns, a.N - first);
        float* results = KernelScratch.Floats(KernelScratch.Use.Tile, BlockColumns);
        for (int m = 0; m < a.M; m++)
        {
            new Span<float>(results, nColumns).Clear();
            float* x = job.X + m * job.XRow;
            byte* w = (byte*)a.B + (long)first * F.Size;
            long step = a.BRow * F.Size;
            int k = 0;
            for (; k <= a.K - 4; k += 4, w += 4 * step)
                AddRows4<L, V, F>(x + k, w, step, nColumns, results);
            for (; k < a.K; k++, w += step)
                AddRow<L, V, F>(x[k], w, nColumns, results);
            job.Store(job.Arguments, m, first, nColumns, results);
        }
    }

    /// <summary>results += x₀·w₀ + x₁·w₁ + x₂·w₂ + x₃·w₃ with rows <paramref name="step"/> bytes apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddRows4<L, V, F>(float* x, byte* w, long step, int n, float* results)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        V x0 = L.Create(x[0]), x1 = L.Create(x[1]), x2 = L.Create(x[2]), x3 = L.Create(x[3]);
        byte* w1 = w + step, w2 = w1 + step, w3 = w2 + step;
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
        {
            V sum = L.MultiplyAdd(x0, F.Load<L, V>(w, i), L.Load(results + i));
            sum = L.MultiplyAdd(x1, F.Load<L, V>(w1, i), sum);
            sum = L.MultiplyAdd(x2, F.Load<L, V>(w2, i), sum);
            L.Store(L.MultiplyAdd(x3, F.Load<L, V>(w3, i), sum), results + i);
        }

        for (; i < n; i++)
        {
            results[i] += x[0] * F.Load<SimdScalar, float>(w, i) + x[1] * F.Load<SimdScalar, float>(w1, i)
                + x[2] * F.Load<SimdScalar, float>(w2, i) + x[3] * F.Load<SimdScalar, float>(w3, i);
        }
    }

    /// <summary>results += x·w.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddRow<L, V, F>(float x, byte* w, int n, float* results)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        V factor = L.Create(x);
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
            L.Store(L.MultiplyAdd(factor, F.Load<L, V>(w, i), L.Load(results + i)), results + i);
        for (; i < n; i++)
            results[i] += x * F.Load<SimdScalar, float>(w, i);
    }

    private struct Job
    {
        public MatMulArguments* Arguments;
        public delegate*<void*, int, int, int, float*, void> Store;
        public float* X;
        public int XRow, ColumnsPerTask;
    }
}
