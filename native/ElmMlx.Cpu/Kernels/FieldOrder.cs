using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>What the order of fields has for all widths.</summary>
internal static class FieldOrder
{
    /// <summary>Room for the widest vector of lanes: 16 of 5 bytes, and what a load reads behind them.</summary>
    public const int TailBytes = 128;
}

/// <summary>
/// The order in which fields come out of a vector of lanes: <c>[vector][field][lane]</c>. x is brought into it once a product,
/// with the sum of each group; bytes keep their own order.
/// </summary>
internal static unsafe class FieldOrder<L, V, B>
    where L : struct, ISimd<V>
    where V : struct
    where B : struct, IFieldBits
{
    /// <summary>Fields of a vector of lanes.</summary>
    public static int FieldsPerVector => L.Count * B.FieldsPerLane;

    /// <summary>Orders and sums the rows of x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Prepare(QuantizedKernels.Job* job)
    {
        ref QuantizedMatMulArguments a = ref *job->Arguments;
        int nVectors = (a.K + FieldsPerVector - 1) / FieldsPerVector, nGroups = a.W.GroupsPerRow;
        job->OrderedRow = nVectors * FieldsPerVector;
        job->SumsRow = (nGroups + 15) / 16 * 16;
        job->Ordered = KernelScratch.Floats(
            KernelScratch.Use.Extra, (long)a.M * (job->OrderedRow + job->SumsRow));
        job->Sums = job->Ordered + (long)a.M * job->OrderedRow;
        for (int m = 0; m < a.M; m++)
        {
            float* x = job->X + (long)m * job->XRow;
            Order(x, a.K, job->Ordered + (long)m * job->OrderedRow);
            float* sums = job->Sums + (long)m * job->SumsRow;
            new Span<float>(sums, job->SumsRow).Clear();
            for (int group = 0; group < nGroups; group++, x += a.W.GroupSize)
            {
                V sum = L.Load(x);
                for (int i = L.Count; i < a.W.GroupSize; i += L.Count)
                    sum = L.Add(sum, L.Load(x + i));
                sums[group] = L.Sum(sum);
            }
        }
    }

    private static void Order(float* x, int count, float* ordered)
    {
        float* one = stackalloc float[FieldsPerVector], two = stackalloc float[FieldsPerVector];
        for (int first = 0; first < count; first += FieldsPerVector, ordered += FieldsPerVector)
        {
            float* from = x + first;
            if (count - first < FieldsPerVector)
            {
                new Span<float>(one, FieldsPerVector).Clear();
                new Span<float>(from, count - first).CopyTo(new Span<float>(one, FieldsPerVector));
                from = one;
            }

            if (B.Bits == 8)
            {
                new Span<float>(from, FieldsPerVector).CopyTo(new Span<float>(ordered, FieldsPerVector));
                continue;
            }

            // [lane][field] becomes [field][lane]: the bits of a place are rotated, by one with each deal into two halves.
            for (int left = B.FieldsPerLane; left > 1; left /= 2)
            {
                float* to = left == 2 ? ordered : from == one ? two : one;
                Deal(from, to);
                from = to;
            }
        }
    }

    // First the numbers at even places, then those at odd ones.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Deal(float* from, float* to)
    {
        for (int i = 0; i < FieldsPerVector / 2; i += L.Count)
        {
            V first = L.Load(from + 2 * i), second = L.Load(from + 2 * i + L.Count);
            L.Store(L.Evens(first, second), to + i);
            L.Store(L.Odds(first, second), to + FieldsPerVector / 2 + i);
        }
    }

    /// <summary>The lanes at <paramref name="from"/>, of which the lowest bits are the first fields of this load.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Lanes(byte* from, int load) => B.LaneBytes switch
    {
        4 => L.Load((float*)from),
        3 => L.LoadThrees(from),
        // Four fields of five bits are two bytes and a half.
        _ => load == 0 ? L.LoadFives(from, 0) : L.ShiftWords(L.LoadFives(from, 1), 12),
    };

    /// <summary>
    /// How many lanes of a row to read in whole vectors where they lie: a load may look at bytes behind its lanes, which the last
    /// row of a matrix does not have. The others are read from a copy (<see cref="CopyTail"/>).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int WholeLanes(int nLanes, byte* row, long rowBytes, byte* end)
    {
        int whole = nLanes / L.Count * L.Count;
        bool mayReadBehind = B.LaneBytes == 4 || end - (row + rowBytes) >= FieldOrder.TailBytes;
        return mayReadBehind ? whole : Math.Max(0, whole - L.Count);
    }

    /// <summary>Lanes, and zeros behind them, where there is <see cref="FieldOrder.TailBytes"/> of room.</summary>
    public static void CopyTail(byte* from, int nLanes, byte* to)
    {
        new Span<byte>(to, FieldOrder.TailBytes).Clear();
        new Span<byte>(from, nLanes * B.LaneBytes).CopyTo(new Span<byte>(to, FieldOrder.TailBytes));
    }
}
