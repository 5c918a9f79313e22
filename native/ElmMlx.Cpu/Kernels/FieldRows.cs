using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Affine rows in float32, in the order of <see cref="FieldOrder{L, V, B}"/>: what a few rows of x are multiplied with. A field
/// is unpacked once and used by every row of x.
/// </summary>
internal static unsafe class FieldRows<L, V, B>
    where L : struct, ISimd<V>
    where V : struct
    where B : struct, IFieldBits
{
    /// <summary>
    /// One row of w; zeros behind its last field. <paramref name="scales"/> and <paramref name="middles"/> are the row's in
    /// float32 (<see cref="FieldScales{L, V, S}"/>), with room for a vector behind them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dequantize(in QuantizedMatrix w, int row, float* scales, float* middles, float* to)
    {
        byte* words = (byte*)w.Words + row * w.RowBytes;
        byte* end = (byte*)w.Words + w.Rows * w.RowBytes, tail = stackalloc byte[FieldOrder.TailBytes];
        int nLanes = w.Columns / B.FieldsPerLane, lanesPerGroup = w.GroupSize / B.FieldsPerLane;
        int whole = FieldOrder<L, V, B>.WholeLanes(nLanes, words, w.RowBytes, end);
        V table = L.FieldTable(B.Bits), places = L.SpreadPlaces(lanesPerGroup);
        for (int lane = 0; lane < nLanes; lane += L.Count)
        {
            byte* from = words + (long)lane * B.LaneBytes;
            if (Sse.IsSupported)
                Sse.Prefetch0(from + MatVecKernels.PrefetchBytes);
            if (lane >= whole)
            {
                FieldOrder<L, V, B>.CopyTail(from, Math.Min(L.Count, nLanes - lane), tail);
                from = tail;
            }

            float* scale = scales + lane / lanesPerGroup, middle = middles + lane / lanesPerGroup;
            if (B.Bits == 8)
            {
                int nLoads = Math.Min(4, lanesPerGroup * 4 / L.Count);
                for (int load = 0; load < 4; scale++, middle++)
                {
                    V step = L.Create(*scale), start = L.Create(*middle);
                    for (int group = load + nLoads; load < group; load++, to += L.Count)
                        L.Store(L.MultiplyAdd(step, L.LoadBytes(from + load * L.Count), start), to);
                }

                continue;
            }

            V steps = L.Spread(scale, places), starts = L.Spread(middle, places);
            for (int load = 0; load < B.Loads; load++)
            {
                V fields = FieldOrder<L, V, B>.Lanes(from, load);
                for (int field = 0; field < B.FieldsPerLane / B.Loads; field++, to += L.Count)
                {
                    L.Store(L.MultiplyAdd(steps, L.LowField(fields, B.Bits, table), starts), to);
                    fields = L.ShiftWords(fields, B.Bits);
                }
            }
        }

        // Behind the last field stands what the copy's zeros stand for, or scales of nothing: x is 0 there, and NaN times 0 is NaN.
        int rest = w.Columns % FieldOrder<L, V, B>.FieldsPerVector;
        if (rest != 0)
            ClearBehind(to - FieldOrder<L, V, B>.FieldsPerVector, rest / B.FieldsPerLane);
    }

    private static void ClearBehind(float* vector, int nLanes)
    {
        if (B.Bits == 8)
        {
            new Span<float>(vector, FieldOrder<L, V, B>.FieldsPerVector)[(nLanes * B.FieldsPerLane)..].Clear();
            return;
        }

        for (int field = 0; field < B.FieldsPerLane; field++)
            new Span<float>(vector + field * L.Count, L.Count)[nLanes..].Clear();
    }
}
