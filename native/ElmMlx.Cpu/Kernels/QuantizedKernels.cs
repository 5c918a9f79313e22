using System.Runtime.CompilerServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Products with quantised matrices, accumulated in float32. Very few rows: affine fields go straight from memory into registers
/// (<see cref="FieldDot{L, V, S, B}"/>). A few rows: four rows of w at a time are dequantised in the first-level cache
/// (<see cref="FieldRows{L, V, B}"/>) and multiplied with all of x (<see cref="RowTile{L, V, F}"/>). Many rows: panels are
/// dequantised once a block.
/// </summary>
internal static unsafe class QuantizedKernels
{
    /// <summary>Up to so many rows of x, unpacking fields once a row of x beats writing them down.</summary>
    private const int DirectRows = 4;

    /// <summary>Up to so many rows of x, dot products beat packed panels, and sums of rows of w do.</summary>
    private const int FewRows = 48, FewSummedRows = 10;

    /// <summary>Columns that a task sums where w is not transposed.</summary>
    private const int BlockColumns = 512;

    /// <summary>Consecutive rows whose scales are widened together: their vectors leave no rest.</summary>
    private const int RowsPerBlock = 8;

    public static void Run(in QuantizedMatMulArguments arguments)
    {
        if (arguments.M == 0 || arguments.N == 0)
            return;
        switch (arguments.Type)
        {
            case mlx_dtype.MLX_FLOAT32:
                Simd.Run<Kernel<Float32Format>, QuantizedMatMulArguments>(arguments);
                break;
            case mlx_dtype.MLX_BFLOAT16:
                Simd.Run<Kernel<BFloat16Format>, QuantizedMatMulArguments>(arguments);
                break;
            case mlx_dtype.MLX_FLOAT16:
                Simd.Run<Kernel<Float16Format>, QuantizedMatMulArguments>(arguments);
                break;
            default:
                throw new ArgumentException("[quantized_matmul] only floating types are supported");
        }
    }

    /// <summary>The naive twin, of float32 x only.</summary>
    public static void RunNaive(in QuantizedMatMulArguments a)
    {
        float* values = stackalloc float[256];
        a.W.FillValues(values);
        for (int m = 0; m < a.M; m++)
        {
            for (int n = 0; n < a.N; n++)
            {
                double sum = 0;
                for (int k = 0; k < a.K; k++)
                {
                    (int row, int column) = a.IsTransposed ? (n, k) : (k, n);
                    long group = (long)row * a.W.GroupsPerRow + column / a.W.GroupSize;
                    int code = a.W.Code((byte*)a.W.Words + row * a.W.RowBytes, column);
                    double w = (double)a.W.Scale(group) * values[code] + a.W.Bias(group);
                    sum += w * ((float*)a.X)[m * a.XRow + k * a.XColumn];
                }

                ((float*)a.Y)[(long)m * a.N + n] = (float)sum;
            }
        }
    }

    private readonly struct Kernel<F> : ISimdKernel<QuantizedMatMulArguments>
        where F : struct, IFloatFormat
    {
        public static void Run<L, V>(in QuantizedMatMulArguments arguments)
            where L : struct, ISimd<V>
            where V : struct
        {
            QuantizedMatMulArguments a = arguments;
            var job = new Job { Arguments = &a, Store = &Store<L, V, F> };
            if (a.M > (a.IsTransposed ? FewRows : FewSummedRows))
            {
                var product = new PackedProduct
                {
                    M = a.M,
                    N = a.N,
                    K = a.K,
                    Context = &a,
                    PackA = &PackA<L, V, F>,
                    PackB = PackBOf<L, V>(a.W),
                    Store = &Store<L, V, F>,
                };
                product.Run<L, V>();
                return;
            }

            int k = a.K;
            job.XRow = (k + 15) / 16 * 16;
            job.X = KernelScratch.Floats(KernelScratch.Use.Input, (long)a.M * job.XRow);
            for (int m = 0; m < a.M; m++)
                MatVecKernels.Widen<L, V, F>(a.X, m * a.XRow, a.XColumn, k, job.X + (long)m * job.XRow);

            if (!a.IsTransposed)
            {
                WorkerPool.Run((a.N + BlockColumns - 1) / BlockColumns, &SumTask<L, V>, &job);
                return;
            }

            job.RowsPerTask = MatVecKernels.RowsPerTask(a.N, a.W.RowBytes);
            int nTasks = (a.N + job.RowsPerTask - 1) / job.RowsPerTask;
            if (a.W.Mode != QuantizationMode.Affine)
            {
                WorkerPool.Run(nTasks, &RowTask<L, V>, &job);
                return;
            }

            switch (a.W.ScaleType)
            {
                case mlx_dtype.MLX_FLOAT32:
                    RunFields<L, V, Float32Format>(&job, nTasks);
                    break;
                case mlx_dtype.MLX_BFLOAT16:
                    RunFields<L, V, BFloat16Format>(&job, nTasks);
                    break;
                default:
                    RunFields<L, V, Float16Format>(&job, nTasks);
                    break;
            }
        }
    }

    private static void RunFields<L, V, S>(Job* job, int nTasks)
        where L : struct, ISimd<V>
        where V : struct
        where S : struct, IFloatFormat
    {
        switch (job->Arguments->W.Bits)
        {
            case 2:
                RunFields<L, V, S, Bits2>(job, nTasks);
                break;
            case 3:
                RunFields<L, V, S, Bits3>(job, nTasks);
                break;
            case 4:
                RunFields<L, V, S, Bits4>(job, nTasks);
                break;
            case 5:
                RunFields<L, V, S, Bits5>(job, nTasks);
                break;
            case 6:
                RunFields<L, V, S, Bits6>(job, nTasks);
                break;
            default:
                RunFields<L, V, S, Bits8>(job, nTasks);
                break;
        }
    }

    private static void RunFields<L, V, S, B>(Job* job, int nTasks)
        where L : struct, ISimd<V>
        where V : struct
        where S : struct, IFloatFormat
        where B : struct, IFieldBits
    {
        if (Int8Activations.IsEnabled && job->Arguments->M <= DirectRows && ByteDot<L, V, S>.Serves(*job->Arguments))
        {
            ByteDot<L, V, S>.Run(job, nTasks);
            return;
        }

        FieldOrder<L, V, B>.Prepare(job);
        WorkerPool.Run(
            nTasks, job->Arguments->M <= DirectRows ? &FieldTask<L, V, S, B> : &FieldRowsTask<L, V, S, B>, job);
    }

    // Fields go from memory into registers, for each row of x.
    private static void FieldTask<L, V, S, B>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
        where S : struct, IFloatFormat
        where B : struct, IFieldBits
    {
        ref Job job = ref *(Job*)context;
        ref QuantizedMatMulArguments a = ref *job.Arguments;
        int first = task * job.RowsPerTask, end = Math.Min(first + job.RowsPerTask, a.N), nRows = end - first;
        int quarter = (nRows + 3) / 4, padded = 4 * quarter;
        float* results = KernelScratch.Floats(KernelScratch.Use.Tile, (long)a.M * padded);
        float* scales = KernelScratch.Floats(KernelScratch.Use.Scales, 8L * (RowsPerBlock * a.W.GroupsPerRow + 32));
        for (int i = 0; i < quarter; i += RowsPerBlock)
        {
            FieldDot<L, V, S, B>.Rows4(
                ref job, first + i, Math.Min(RowsPerBlock, quarter - i), quarter, scales, results + i, padded);
        }

        for (int m = 0; m < a.M; m++)
            job.Store(job.Arguments, m, first, nRows, results + (long)m * padded);
    }

    // Four rows of w at a time become float32 in the first-level cache, for all rows of x.
    private static void FieldRowsTask<L, V, S, B>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
        where S : struct, IFloatFormat
        where B : struct, IFieldBits
    {
        ref Job job = ref *(Job*)context;
        ref QuantizedMatMulArguments a = ref *job.Arguments;
        int first = task * job.RowsPerTask, end = Math.Min(first + job.RowsPerTask, a.N), nRows = end - first;
        int padded = (nRows + 3) / 4 * 4, nGroups = a.W.GroupsPerRow, length = job.OrderedRow;
        float* results = KernelScratch.Floats(KernelScratch.Use.Tile, (long)a.M * padded);
        float* scales = KernelScratch.Floats(KernelScratch.Use.Scales, 2L * (4 * nGroups + 32)), middles = scales + 4 * nGroups + 32;
        float* rows = KernelScratch.Floats(KernelScratch.Use.Packed, 4L * length);
        for (int i = 0; i < nRows; i += 4)
        {
            FieldScales<L, V, S>.Widen(a.W, (long)(first + i) * nGroups, 4 * nGroups, scales, middles);
            for (int r = 0; r < 4; r++)
            {
                // Behind the last row, again the last one: nobody reads the result.
                int from = Math.Min(r, nRows - 1 - i);
                FieldRows<L, V, B>.Dequantize(
                    a.W, first + i + from, scales + from * nGroups, middles + from * nGroups, rows + (long)r * length);
            }

            RowTile<L, V, Float32Format>.Dots(
                job.Ordered, length, a.M, (byte*)rows, 4L * length, length, 0, results + i, padded, 1);
        }

        for (int m = 0; m < a.M; m++)
            job.Store(job.Arguments, m, first, nRows, results + (long)m * padded);
    }

    // Whatever the code: four rows in float32, then dot products.
    private static void RowTask<L, V>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
    {
        ref Job job = ref *(Job*)context;
        ref QuantizedMatMulArguments a = ref *job.Arguments;
        int first = task * job.RowsPerTask, end = Math.Min(first + job.RowsPerTask, a.N), nRows = end - first;
        int padded = (nRows + 3) / 4 * 4, length = job.XRow;
        float* results = KernelScratch.Floats(KernelScratch.Use.Tile, (long)a.M * padded);
        float* rows = KernelScratch.Floats(KernelScratch.Use.Packed, 4L * length);
        for (int i = 0; i < nRows; i += 4)
        {
            for (int r = 0; r < 4; r++)
                a.W.Dequantize(first + Math.Min(i + r, nRows - 1), 0, a.K, rows + (long)r * length);
            RowTile<L, V, Float32Format>.Dots(
                job.X, length, a.M, (byte*)rows, 4L * length, a.K, 0, results + i, padded, 1);
        }

        for (int m = 0; m < a.M; m++)
            job.Store(job.Arguments, m, first, nRows, results + (long)m * padded);
    }

    // w is [K, N]: the result is a sum of its rows.
    private static void SumTask<L, V>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
    {
        ref Job job = ref *(Job*)context;
        ref QuantizedMatMulArguments a = ref *job.Arguments;
        int first = task * BlockColumns, nColumns = Math.Min(BlockColumns, a.N - first);
        float* results = KernelScratch.Floats(KernelScratch.Use.Tile, (long)a.M * nColumns);
        float* row = KernelScratch.Floats(KernelScratch.Use.Extra, nColumns);
        new Span<float>(results, a.M * nColumns).Clear();
        for (int k = 0; k < a.K; k++)
        {
            a.W.Dequantize(k, first, nColumns, row);
            for (int m = 0; m < a.M; m++)
            {
                MatVecKernels.AddRow<L, V, Float32Format>(
                    job.X[m * job.XRow + k], (byte*)row, nColumns, results + (long)m * nColumns);
            }
        }

        for (int m = 0; m < a.M; m++)
            job.Store(job.Arguments, m, first, nColumns, results + (long)m * nColumns);
    }

    private static void PackA<L, V, F>(void* context, int row, int nRows, int k, int nK, float* to)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref QuantizedMatMulArguments a = ref *(QuantizedMatMulArguments*)context;
        byte* from = (byte*)a.X + (row * a.XRow + k * a.XColumn) * F.Size;
        PackedPanels.Pack<L, V, F>(from, a.XRow, a.XColumn, nRows, nK, Tile<L, V>.Rows, to);
    }

    private static void PackB<L, V, B>(void* context, int column, int nColumns, int k, int nK, float* to)
        where L : struct, ISimd<V>
        where V : struct
        where B : struct, IFieldBits
    {
        ref QuantizedMatMulArguments a = ref *(QuantizedMatMulArguments*)context;
        (int firstRow, int nRows, int first, int count) = a.IsTransposed ? (column, nColumns, k, nK) : (k, nK, column, nColumns);
        if (FieldPanels<L, V, B>.CanPack(a.W, firstRow, nRows))
            FieldPanels<L, V, B>.Pack(a.W, firstRow, nRows, first, count, a.IsTransposed, to);
        else
            PackAnyB<L, V>(context, column, nColumns, k, nK, to);
    }

    // Whatever the code: rows in float32, which then are packed.
    private static void PackAnyB<L, V>(void* context, int column, int nColumns, int k, int nK, float* to)
        where L : struct, ISimd<V>
        where V : struct
    {
        ref QuantizedMatMulArguments a = ref *(QuantizedMatMulArguments*)context;
        float* plain = KernelScratch.Floats(KernelScratch.Use.Extra, (long)nColumns * nK);
        (int nRows, int length) = a.IsTransposed ? (nColumns, nK) : (nK, nColumns);
        (int firstRow, int first) = a.IsTransposed ? (column, k) : (k, column);
        for (int row = 0; row < nRows; row++)
            a.W.Dequantize(firstRow + row, first, length, plain + (long)row * length);
        (long line, long step) = a.IsTransposed ? ((long)nK, 1L) : (1L, (long)nColumns);
        PackedPanels.Pack<L, V, Float32Format>(plain, line, step, nColumns, nK, Tile<L, V>.Columns, to);
    }

    private static delegate*<void*, int, int, int, int, float*, void> PackBOf<L, V>(in QuantizedMatrix w)
        where L : struct, ISimd<V>
        where V : struct
    {
        if (w.Mode != QuantizationMode.Affine)
            return &PackAnyB<L, V>;
        return w.Bits switch
        {
            2 => &PackB<L, V, Bits2>,
            3 => &PackB<L, V, Bits3>,
            4 => &PackB<L, V, Bits4>,
            5 => &PackB<L, V, Bits5>,
            6 => &PackB<L, V, Bits6>,
            _ => &PackB<L, V, Bits8>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store<L, V, F>(void* context, int row, int column, int nColumns, float* values)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref QuantizedMatMulArguments a = ref *(QuantizedMatMulArguments*)context;
        long at = (long)row * a.N + column;
        int i = 0;
        for (; i <= nColumns - L.Count; i += L.Count)
            F.Store<L, V>(L.Load(values + i), a.Y, at + i);
        for (; i < nColumns; i++)
            F.Store<SimdScalar, float>(values[i], a.Y, at + i);
    }

    /// <summary>One product with few rows.</summary>
    internal struct Job
    {
        public QuantizedMatMulArguments* Arguments;
        public delegate*<void*, int, int, int, float*, void> Store;

        /// <summary>x in float32, and how many floats from row to row.</summary>
        public float* X;
        public int XRow;

        /// <summary>x in the order in which fields come out of words, and the sum of each group of it.</summary>
        public float* Ordered, Sums;
        public int OrderedRow, SumsRow;

        public int RowsPerTask;
    }
}
