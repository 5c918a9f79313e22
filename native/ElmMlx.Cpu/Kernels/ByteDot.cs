using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Dot products of rows x in bytes (<see cref="ByteRows"/>) with affine rows of four bits, by integer dot products:
/// <c>Σ scale_g · scale_x · Σ (q − 8)·byte + Σ (bias_g + 8·scale_g) · Σ x</c>. Only the first sum is rounded, by half a step of x a
/// number. Four rows a pass, far apart: four streams.
/// </summary>
internal static unsafe class ByteDot<L, V, S>
    where L : struct, ISimd<V>
    where V : struct
    where S : struct, IFloatFormat
{
    /// <summary>Consecutive rows whose scales are widened together.</summary>
    private const int RowsPerBlock = 8;

    /// <summary>Numbers that a vector of weights holds.</summary>
    private static int Unit
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => L.Count > 4 ? 8 * L.Count : 32;
    }

    /// <summary>Whether rows fill whole vectors. Other products are those of float32.</summary>
    public static bool Serves(in QuantizedMatMulArguments a) => a.W.Bits == 4 && a.K % Unit == 0;

    public static void Run(QuantizedKernels.Job* job, int nTasks)
    {
        ref QuantizedMatMulArguments a = ref *job->Arguments;
        var work = new Work { Job = job, X = ByteRows.Of(job->X, job->XRow, a.M, a.W, Unit) };
        WorkerPool.Run(nTasks, &Task, &work);
    }

    private static void Task(void* context, int task)
    {
        ref Work work = ref *(Work*)context;
        ref QuantizedKernels.Job job = ref *work.Job;
        ref QuantizedMatMulArguments a = ref *job.Arguments;
        int first = task * job.RowsPerTask, nRows = Math.Min(first + job.RowsPerTask, a.N) - first;
        int quarter = (nRows + 3) / 4, padded = 4 * quarter, nGroups = a.W.GroupsPerRow, block = RowsPerBlock * nGroups + 32;
        float* results = KernelScratch.Floats(KernelScratch.Use.Tile, (long)a.M * padded);
        float* scales = KernelScratch.Floats(KernelScratch.Use.Scales, 8L * block + 4 * (work.X.PaddedGroups + 16));
        for (int i = 0; i < quarter; i += RowsPerBlock)
        {
            int count = Math.Min(RowsPerBlock, quarter - i);
            for (int r = 0; r < 4; r++)
            {
                FieldScales<L, V, S>.Widen(
                    a.W, (long)(first + i + r * quarter) * nGroups, count * nGroups, scales + r * block, scales + (4 + r) * block);
            }

            for (int row = 0; row < count; row++)
                Rows4(work, first + i + row, quarter, scales + row * nGroups, block, scales + 8 * block, results + i + row, padded);
        }

        for (int m = 0; m < a.M; m++)
            job.Store(job.Arguments, m, first, nRows, results + (long)m * padded);
    }

    // Four rows of w with all rows of x; absent rows repeat the last one. The factors are room for 4 × (padded groups + 16) floats.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4(
        in Work work, int row, int apart, float* scales, int block, float* factors, float* results, int resultsRow)
    {
        ref QuantizedMatMulArguments a = ref *work.Job->Arguments;
        int nGroups = a.W.GroupsPerRow, padded = work.X.PaddedGroups, factorsRow = padded + 16, last = a.W.Rows - 1;
        for (int m = 0; m < a.M; m++, results += resultsRow)
        {
            float* xScales = work.X.Scales + m * padded, sums = work.X.Sums + m * padded, starts = work.X.Starts + m * padded;
            V s0 = default, s1 = default, s2 = default, s3 = default;
            for (int group = 0; group < nGroups; group += L.Count)
            {
                float* at = scales + group, to = factors + group;
                int left = nGroups - group;
                V xScale = L.Load(xScales + group), sum = L.Load(sums + group), start = L.Load(starts + group);
                s0 = AddGroups(at, at + 4 * block, xScale, sum, start, left, to, s0);
                s1 = AddGroups(at + block, at + 5 * block, xScale, sum, start, left, to + factorsRow, s1);
                s2 = AddGroups(at + 2 * block, at + 6 * block, xScale, sum, start, left, to + 2 * factorsRow, s2);
                s3 = AddGroups(at + 3 * block, at + 7 * block, xScale, sum, start, left, to + 3 * factorsRow, s3);
            }

            byte* words = (byte*)a.W.Words;
            AddProducts(
                a.W, work.X.Bytes + (long)m * a.K, words + Math.Min(row, last) * a.W.RowBytes,
                words + Math.Min(row + apart, last) * a.W.RowBytes, words + Math.Min(row + 2 * apart, last) * a.W.RowBytes,
                words + Math.Min(row + 3 * apart, last) * a.W.RowBytes, factors, factorsRow, ref s0, ref s1, ref s2, ref s3);
            Vector128<float> totals = L.Sums(s0, s1, s2, s3);
            results[0] = totals[0];
            results[apart] = totals[1];
            results[2 * apart] = totals[2];
            results[3 * apart] = totals[3];
        }
    }

    // What does not need the weights' numbers, and the factor of each group. Behind the last group nothing counts.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V AddGroups(float* scales, float* middles, V xScale, V sum, V start, int left, float* factors, V total)
    {
        V factor = L.First(L.Multiply(L.Load(scales), xScale), left);
        L.Store(factor, factors);
        return L.MultiplyAdd(factor, start, L.MultiplyAdd(L.First(L.Load(middles), left), sum, total));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProducts(
        in QuantizedMatrix w, sbyte* x, byte* w0, byte* w1, byte* w2, byte* w3, float* factors, int factorsRow,
        ref V s0, ref V s1, ref V s2, ref V s3)
    {
        int nLanes = w.Columns / 8, groupShift = BitOperations.Log2((uint)w.GroupSize / 8);
        nint to1 = (nint)(w1 - w0), to2 = (nint)(w2 - w0), to3 = (nint)(w3 - w0);
        V places = L.SpreadPlaces(w.GroupSize / 8);
        for (int lane = 0; lane < nLanes; lane += L.Count, w0 += 4 * L.Count)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(w0 + MatVecKernels.PrefetchBytes);
                Sse.Prefetch0(w0 + to1 + MatVecKernels.PrefetchBytes);
                Sse.Prefetch0(w0 + to2 + MatVecKernels.PrefetchBytes);
                Sse.Prefetch0(w0 + to3 + MatVecKernels.PrefetchBytes);
            }

            // The lanes of a unit: one vector's, or four of the scalar kind.
            sbyte* evens = x + lane / (Unit / 8) * Unit + lane % (Unit / 8) * 4, odds = evens + Unit / 2;
            float* factor = factors + (lane >> groupShift);
            s0 = L.MultiplyAdd(L.Spread(factor, places), L.NibbleProducts(w0, evens, odds), s0);
            s1 = L.MultiplyAdd(L.Spread(factor + factorsRow, places), L.NibbleProducts(w0 + to1, evens, odds), s1);
            s2 = L.MultiplyAdd(L.Spread(factor + 2 * factorsRow, places), L.NibbleProducts(w0 + to2, evens, odds), s2);
            s3 = L.MultiplyAdd(L.Spread(factor + 3 * factorsRow, places), L.NibbleProducts(w0 + to3, evens, odds), s3);
        }
    }

    private struct Work
    {
        public QuantizedKernels.Job* Job;
        public ByteRows X;
    }
}
