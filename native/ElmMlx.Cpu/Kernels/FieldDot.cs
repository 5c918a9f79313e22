using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Dot products of rows x with affine rows: <c>Σ scale_g · Σ (q − c)·x + Σ (bias_g + c·scale_g) · Σ x</c>, c half the range
/// of q. A vector of lanes yields field s of every lane at once, so x is put into that order beforehand
/// (<see cref="FieldOrder{L, V, B}"/>); bytes are widened in their own order. Four rows a pass, far apart: four streams. On AVX-512
/// four bits are looked up by a permutation.
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
        int nGroups = w.GroupsPerRow, block = count * nGroups + 32;
        for (int r = 0; r < 4; r++)
        {
            FieldScales<L, V, S>.Widen(
                w, (long)(row + r * apart) * nGroups, count * nGroups, scales + r * block, scales + (4 + r) * block);
        }

        var pass = new Pass
        {
            Words = (byte*)w.Words,
            RowBytes = w.RowBytes,
            LastRow = w.Rows - 1,
            Apart = apart,
            NLanes = w.Columns / B.FieldsPerLane,
            LanesPerGroup = w.GroupSize / B.FieldsPerLane,
            NGroups = nGroups,
            Block = block,
        };
        bool isWhole = FieldOrder<L, V, B>.WholeLanes(pass.NLanes, pass.Row(row + count - 1 + 3 * apart), pass.RowBytes, pass.End)
            == pass.NLanes;
        for (int m = 0; m < job.Arguments->M; m++, results += resultsRow)
        {
            float* x = job.Ordered + (long)m * job.OrderedRow, sums = job.Sums + (long)m * job.SumsRow;
            if (isWhole)
                WholeRows(in pass, x, sums, row, count, scales, results);
            else
                AnyRows(in pass, x, sums, row, count, scales, results);
        }
    }

    // Rows of whole vectors. Nothing is called in here, so that all sums stay in registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void WholeRows(in Pass pass, float* x, float* sums, int row, int count, float* scales, float* results)
    {
        int apart = pass.Apart;
        for (int end = row + count; row < end; row++, scales += pass.NGroups, results++)
        {
            V s0 = default, s1 = default, s2 = default, s3 = default;
            AddLanes(
                x, pass.Row(row), pass.Row(row + apart), pass.Row(row + 2 * apart), pass.Row(row + 3 * apart), pass.NLanes,
                pass.LanesPerGroup, scales, pass.Block, ref s0, ref s1, ref s2, ref s3);
            AddMiddles(sums, pass.NGroups, scales + 4 * pass.Block, pass.Block, ref s0, ref s1, ref s2, ref s3);
            Write(L.Sums(s0, s1, s2, s3), results, apart);
        }
    }

    private static void AnyRows(in Pass pass, float* x, float* sums, int row, int count, float* scales, float* results)
    {
        int apart = pass.Apart, nLanes = pass.NLanes, lanesPerGroup = pass.LanesPerGroup;
        for (int end = row + count; row < end; row++, scales += pass.NGroups, results++)
        {
            byte* w0 = pass.Row(row), w1 = pass.Row(row + apart), w2 = pass.Row(row + 2 * apart), w3 = pass.Row(row + 3 * apart);
            int whole = FieldOrder<L, V, B>.WholeLanes(nLanes, w3, pass.RowBytes, pass.End);
            V s0 = default, s1 = default, s2 = default, s3 = default;
            AddLanes(x, w0, w1, w2, w3, whole, lanesPerGroup, scales, pass.Block, ref s0, ref s1, ref s2, ref s3);
            for (int lane = whole; lane < nLanes; lane += L.Count)
            {
                long at = (long)lane * B.LaneBytes;
                int group = lane / lanesPerGroup;
                AddTail(
                    x + (long)lane * B.FieldsPerLane, w0 + at, w1 + at, w2 + at, w3 + at, Math.Min(L.Count, nLanes - lane),
                    lanesPerGroup, scales + group, pass.Block, pass.NGroups - group, ref s0, ref s1, ref s2, ref s3);
            }

            AddMiddles(sums, pass.NGroups, scales + 4 * pass.Block, pass.Block, ref s0, ref s1, ref s2, ref s3);
            Write(L.Sums(s0, s1, s2, s3), results, apart);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(Vector128<float> totals, float* to, int apart)
    {
        to[0] = totals[0];
        to[apart] = totals[1];
        to[2 * apart] = totals[2];
        to[3 * apart] = totals[3];
    }

    // Σ (bias_g + c·scale_g) · Σ x. Behind a row's last group stand others.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddMiddles(
        float* sums, int nGroups, float* middles, int block, ref V s0, ref V s1, ref V s2, ref V s3)
    {
        int group = 0;
        for (; group <= nGroups - L.Count; group += L.Count)
        {
            V sum = L.Load(sums + group);
            float* at = middles + group;
            s0 = L.MultiplyAdd(L.Load(at), sum, s0);
            s1 = L.MultiplyAdd(L.Load(at + block), sum, s1);
            s2 = L.MultiplyAdd(L.Load(at + 2 * block), sum, s2);
            s3 = L.MultiplyAdd(L.Load(at + 3 * block), sum, s3);
        }

        if (group < nGroups)
        {
            int left = nGroups - group;
            V sum = L.Load(sums + group);
            float* at = middles + group;
            s0 = L.MultiplyAdd(L.First(L.Load(at), left), sum, s0);
            s1 = L.MultiplyAdd(L.First(L.Load(at + block), left), sum, s1);
            s2 = L.MultiplyAdd(L.First(L.Load(at + 2 * block), left), sum, s2);
            s3 = L.MultiplyAdd(L.First(L.Load(at + 3 * block), left), sum, s3);
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

    // Whole vectors of lanes. Few pointers: one moves, the other rows lie at constant distances from it, so that all stay in registers.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddLanes(
        float* x, byte* w0, byte* w1, byte* w2, byte* w3, int nLanes, int lanesPerGroup, float* scales, int block,
        ref V s0, ref V s1, ref V s2, ref V s3)
    {
        V table = L.FieldTable(B.Bits), places = L.SpreadPlaces(lanesPerGroup);
        nint to1 = (nint)(w1 - w0), to2 = (nint)(w2 - w0), to3 = (nint)(w3 - w0);
        int groupShift = BitOperations.Log2((uint)lanesPerGroup);
        for (int lane = 0; lane < nLanes; lane += L.Count, w0 += L.Count * B.LaneBytes, x += L.Count * B.FieldsPerLane)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(w0 + MatVecKernels.PrefetchBytes);
                Sse.Prefetch0(w0 + to1 + MatVecKernels.PrefetchBytes);
                Sse.Prefetch0(w0 + to2 + MatVecKernels.PrefetchBytes);
                Sse.Prefetch0(w0 + to3 + MatVecKernels.PrefetchBytes);
            }

            float* scale = scales + (lane >> groupShift);
            if (B.Bits == 8)
            {
                // A vector of the widest lanes holds two of the smallest groups.
                int nLoads = Math.Min(4, lanesPerGroup * 4 / L.Count);
                for (int load = 0; load < 4; scale++)
                {
                    V b0 = default, b1 = default, b2 = default, b3 = default;
                    for (int end = load + nLoads; load < end; load++)
                    {
                        byte* from = w0 + load * L.Count;
                        V value = L.Load(x + load * L.Count);
                        b0 = L.MultiplyAdd(value, L.LoadBytes(from), b0);
                        b1 = L.MultiplyAdd(value, L.LoadBytes(from + to1), b1);
                        b2 = L.MultiplyAdd(value, L.LoadBytes(from + to2), b2);
                        b3 = L.MultiplyAdd(value, L.LoadBytes(from + to3), b3);
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
                V q0 = FieldOrder<L, V, B>.Lanes(w0, load), q1 = FieldOrder<L, V, B>.Lanes(w0 + to1, load);
                V q2 = FieldOrder<L, V, B>.Lanes(w0 + to2, load), q3 = FieldOrder<L, V, B>.Lanes(w0 + to3, load);
                int nFields = B.FieldsPerLane / B.Loads;
                for (int field = 0; field < nFields; field += 2)
                {
                    float* at = x + (load * nFields + field) * L.Count;
                    AddField(L.Load(at), table, q0, q1, q2, q3, ref d0, ref d1, ref d2, ref d3);
                    Shift(ref q0, ref q1, ref q2, ref q3);
                    AddField(L.Load(at + L.Count), table, q0, q1, q2, q3, ref d0, ref d1, ref d2, ref d3);
                    if (field < nFields - 2)
                        Shift(ref q0, ref q1, ref q2, ref q3);
                }
            }

            s0 = L.MultiplyAdd(L.Spread(scale, places), d0, s0);
            s1 = L.MultiplyAdd(L.Spread(scale + block, places), d1, s1);
            s2 = L.MultiplyAdd(L.Spread(scale + 2 * block, places), d2, s2);
            s3 = L.MultiplyAdd(L.Spread(scale + 3 * block, places), d3, s3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddField(V x, V table, V q0, V q1, V q2, V q3, ref V d0, ref V d1, ref V d2, ref V d3)
    {
        d0 = L.MultiplyAdd(x, L.LowField(q0, B.Bits, table), d0);
        d1 = L.MultiplyAdd(x, L.LowField(q1, B.Bits, table), d1);
        d2 = L.MultiplyAdd(x, L.LowField(q2, B.Bits, table), d2);
        d3 = L.MultiplyAdd(x, L.LowField(q3, B.Bits, table), d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Shift(ref V q0, ref V q1, ref V q2, ref V q3)
    {
        q0 = L.ShiftWords(q0, B.Bits);
        q1 = L.ShiftWords(q1, B.Bits);
        q2 = L.ShiftWords(q2, B.Bits);
        q3 = L.ShiftWords(q3, B.Bits);
    }

    /// <summary>What stays the same over the rows of a matrix.</summary>
    private struct Pass
    {
        public byte* Words;
        public long RowBytes;
        public int LastRow, Apart, NLanes, LanesPerGroup, NGroups;

        /// <summary>Floats from the scales of one of four rows to those of the next; behind the fourth, the middles.</summary>
        public int Block;

        public readonly byte* End => Words + (LastRow + 1) * RowBytes;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly byte* Row(int row) => Words + Math.Min(row, LastRow) * RowBytes;
    }
}
