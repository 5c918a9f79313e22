using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Dot products of rows x with affine rows: <c>Σ scale_g · Σ (q − c)·x + Σ (bias_g + c·scale_g) · Σ x</c>, c half the range
/// of q. A vector of lanes yields field s of every lane at once, so x is put into that order beforehand
/// (<see cref="FieldOrder{L, V, B}"/>); bytes are widened in their own order. Four rows a pass, far apart: four streams. On AVX-512
/// four bits are looked up by a permutation. Its loop alone reaches 24 GB/s a core on Zen 5, with scales, biases and the
/// final sums of rows of 1280 the kernel reaches 16 to 20.
/// </summary>
internal static unsafe class FieldDot<L, V, S, B>
    where L : struct, ISimd<V>
    where V : struct
    where S : struct, IFloatFormat
    where B : struct, IFieldBits
{
    /// <summary>
    /// <paramref name="count"/> rows from <paramref name="row"/> on, and those one, two and three times
    /// <paramref name="apart"/> further on; absent rows repeat the last one. The results are [M, <paramref name="resultsRow"/>], as
    /// far apart as the rows; <paramref name="scales"/> is room for 8 × (count × groups + 32) floats.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows4(
        ref QuantizedKernels.Job job, int row, int count, int apart, float* scales, float* results, int resultsRow)
    {
        ref QuantizedMatrix w = ref job.Arguments->W;
        int nGroups = w.GroupsPerRow, block = count * nGroups + 32, last = w.Rows - 1;
        long nAll = (long)w.Rows * nGroups, rowBytes = w.RowBytes;
        for (int r = 0; r < 4; r++)
        {
            long first = (long)(row + r * apart) * nGroups;
            FieldScales<L, V, S>.Widen(w.Scales, first, nAll, count * nGroups, scales + r * block);
            FieldScales<L, V, S>.Widen(w.Biases, first, nAll, count * nGroups, scales + (4 + r) * block);
        }

        byte* words = (byte*)w.Words;
        byte* end = words + w.Rows * rowBytes;
        int nLanes = w.Columns / B.FieldsPerLane, lanesPerGroup = w.GroupSize / B.FieldsPerLane;
        for (int i = 0; i < count; i++, row++, scales += nGroups, results++)
        {
            byte* w0 = words + Math.Min(row, last) * rowBytes, w1 = words + Math.Min(row + apart, last) * rowBytes;
            byte* w2 = words + Math.Min(row + 2 * apart, last) * rowBytes, w3 = words + Math.Min(row + 3 * apart, last) * rowBytes;
            int whole = FieldOrder<L, V, B>.WholeLanes(nLanes, w3, rowBytes, end);
            for (int m = 0; m < job.Arguments->M; m++)
            {
                float* x = job.Ordered + (long)m * job.OrderedRow;
                V s0 = default, s1 = default, s2 = default, s3 = default;
                AddLanes(x, w0, w1, w2, w3, whole, lanesPerGroup, scales, block, ref s0, ref s1, ref s2, ref s3);
                for (int lane = whole; lane < nLanes; lane += L.Count)
                {
                    long at = (long)lane * B.LaneBytes;
                    int group = lane / lanesPerGroup;
                    AddTail(
                        x + (long)lane * B.FieldsPerLane, w0 + at, w1 + at, w2 + at, w3 + at, Math.Min(L.Count, nLanes - lane),
                        lanesPerGroup, scales + group, block, nGroups - group, ref s0, ref s1, ref s2, ref s3);
                }

                AddBiases(
                    job.Sums + (long)m * job.SumsRow, nGroups, scales, block, ref s0, ref s1, ref s2, ref s3);
                Vector128<float> totals = L.Sums(s0, s1, s2, s3);
                float* to = results + (long)m * resultsRow;
                to[0] = totals[0];
                to[apart] = totals[1];
                to[2 * apart] = totals[2];
                to[3 * apart] = totals[3];
            }
        }
    }

    // Σ (bias_g + c·scale_g) · Σ x. Behind a row's last group stand others.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddBiases(
        float* sums, int nGroups, float* scales, int block, ref V s0, ref V s1, ref V s2, ref V s3)
    {
        V centre = L.Create(1 << (B.Bits - 1));
        for (int group = 0; group < nGroups; group += L.Count)
        {
            int left = nGroups - group;
            float* at = scales + group, bias = at + 4 * block;
            V sum = L.Load(sums + group);
            s0 = L.MultiplyAdd(L.First(L.MultiplyAdd(L.Load(at), centre, L.Load(bias)), left), sum, s0);
            at += block;
            bias += block;
            s1 = L.MultiplyAdd(L.First(L.MultiplyAdd(L.Load(at), centre, L.Load(bias)), left), sum, s1);
            at += block;
            bias += block;
            s2 = L.MultiplyAdd(L.First(L.MultiplyAdd(L.Load(at), centre, L.Load(bias)), left), sum, s2);
            at += block;
            bias += block;
            s3 = L.MultiplyAdd(L.First(L.MultiplyAdd(L.Load(at), centre, L.Load(bias)), left), sum, s3);
        }
    }

    // A vector of lanes or fewer, and their scales, read from a place behind which there are zeros.
    private static void AddTail(
        float* x, byte* w0, byte* w1, byte* w2, byte* w3, int nLanes, int lanesPerGroup, float* scales, int block, int nGroups,
        ref V s0, ref V s1, ref V s2, ref V s3)
    {
        const int Room = FieldOrder.TailBytes, ScaleRoom = 32;
        byte* copy = stackalloc byte[4 * Room];
        FieldOrder<L, V, B>.CopyTail(w0, nLanes, copy);
        FieldOrder<L, V, B>.CopyTail(w1, nLanes, copy + Room);
        FieldOrder<L, V, B>.CopyTail(w2, nLanes, copy + 2 * Room);
        FieldOrder<L, V, B>.CopyTail(w3, nLanes, copy + 3 * Room);
        float* steps = stackalloc float[4 * ScaleRoom];
        new Span<float>(steps, 4 * ScaleRoom).Clear();
        for (int r = 0; r < 4; r++)
            new Span<float>(scales + r * block, Math.Min(nGroups, ScaleRoom)).CopyTo(new Span<float>(steps + r * ScaleRoom, ScaleRoom));
        AddLanes(
            x, copy, copy + Room, copy + 2 * Room, copy + 3 * Room, L.Count, lanesPerGroup, steps, ScaleRoom,
            ref s0, ref s1, ref s2, ref s3);
    }

    // Whole vectors of lanes; nothing is called in here, so that the sums stay in registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void AddLanes(
        float* x, byte* w0, byte* w1, byte* w2, byte* w3, int nLanes, int lanesPerGroup, float* scales, int block,
        ref V sum0, ref V sum1, ref V sum2, ref V sum3)
    {
        V s0 = sum0, s1 = sum1, s2 = sum2, s3 = sum3, table = L.FieldTable(B.Bits), places = L.SpreadPlaces(lanesPerGroup);
        for (int lane = 0; lane < nLanes; lane += L.Count)
        {
            long at = (long)lane * B.LaneBytes;
            byte* p0 = w0 + at, p1 = w1 + at, p2 = w2 + at, p3 = w3 + at;
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(p0 + MatVecKernels.PrefetchBytes);
                Sse.Prefetch0(p1 + MatVecKernels.PrefetchBytes);
                Sse.Prefetch0(p2 + MatVecKernels.PrefetchBytes);
                Sse.Prefetch0(p3 + MatVecKernels.PrefetchBytes);
            }

            float* scale = scales + lane / lanesPerGroup;
            if (B.Bits == 8)
            {
                // A vector of the widest lanes holds two of the smallest groups.
                int nLoads = Math.Min(4, lanesPerGroup * 4 / L.Count);
                for (int load = 0; load < 4; scale++)
                {
                    V b0 = default, b1 = default, b2 = default, b3 = default;
                    for (int end = load + nLoads; load < end; load++)
                    {
                        V value = L.Load(x);
                        x += L.Count;
                        b0 = L.MultiplyAdd(value, L.LoadBytes(p0 + load * L.Count), b0);
                        b1 = L.MultiplyAdd(value, L.LoadBytes(p1 + load * L.Count), b1);
                        b2 = L.MultiplyAdd(value, L.LoadBytes(p2 + load * L.Count), b2);
                        b3 = L.MultiplyAdd(value, L.LoadBytes(p3 + load * L.Count), b3);
                    }

                    s0 = L.MultiplyAdd(L.Create(scale[0]), b0, s0);
                    s1 = L.MultiplyAdd(L.Create(scale[block]), b1, s1);
                    s2 = L.MultiplyAdd(L.Create(scale[2 * block]), b2, s2);
                    s3 = L.MultiplyAdd(L.Create(scale[3 * block]), b3, s3);
                }

                continue;
            }

            V d0 = default, d1 = default, d2 = default, d3 = default;
            for (int load = 0; load < B.Loads; load++)
            {
                V q0 = FieldOrder<L, V, B>.Lanes(p0, load), q1 = FieldOrder<L, V, B>.Lanes(p1, load);
                V q2 = FieldOrder<L, V, B>.Lanes(p2, load), q3 = FieldOrder<L, V, B>.Lanes(p3, load);
                for (int field = 0; field < B.FieldsPerLane / B.Loads; field++)
                {
                    V value = L.Load(x);
                    x += L.Count;
                    d0 = L.MultiplyAdd(value, L.LowField(q0, B.Bits, table), d0);
                    d1 = L.MultiplyAdd(value, L.LowField(q1, B.Bits, table), d1);
                    d2 = L.MultiplyAdd(value, L.LowField(q2, B.Bits, table), d2);
                    d3 = L.MultiplyAdd(value, L.LowField(q3, B.Bits, table), d3);
                    if (field == B.FieldsPerLane / B.Loads - 1)
                        continue;
                    q0 = L.ShiftWords(q0, B.Bits);
                    q1 = L.ShiftWords(q1, B.Bits);
                    q2 = L.ShiftWords(q2, B.Bits);
                    q3 = L.ShiftWords(q3, B.Bits);
                }
            }

            s0 = L.MultiplyAdd(L.Spread(scale, places), d0, s0);
            s1 = L.MultiplyAdd(L.Spread(scale + block, places), d1, s1);
            s2 = L.MultiplyAdd(L.Spread(scale + 2 * block, places), d2, s2);
            s3 = L.MultiplyAdd(L.Spread(scale + 3 * block, places), d3, s3);
        }

        (sum0, sum1, sum2, sum3) = (s0, s1, s2, s3);
    }
}
