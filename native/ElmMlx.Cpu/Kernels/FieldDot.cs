using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Bits of a field, as a constant of the compiled kernel.</summary>
internal interface IFieldBits
{
    static abstract int Bits { get; }

    static abstract int FieldsPerWord { get; }
}

internal readonly struct Bits2 : IFieldBits
{
    public static int Bits => 2;

    public static int FieldsPerWord => 16;
}

internal readonly struct Bits4 : IFieldBits
{
    public static int Bits => 4;

    public static int FieldsPerWord => 8;
}

internal readonly struct Bits8 : IFieldBits
{
    public static int Bits => 8;

    public static int FieldsPerWord => 4;
}

/// <summary>
/// Dot products of x with affine rows whose fields do not cross words:
/// <c>Σ scale_g · Σ (q − c)·x + Σ (bias_g + c·scale_g) · Σ x</c>, c half the range of q. A vector of words yields field s of every word at once, so x is put into
/// that order beforehand: <c>[chunk of words][s][word]</c>. Bytes are widened in their own order.
/// </summary>
internal static unsafe class FieldDot<L, V, S, B>
    where L : struct, ISimd<V>
    where V : struct
    where S : struct, IFloatFormat
    where B : struct, IFieldBits
{
    /// <summary>Orders and sums x, once a product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Prepare(QuantizedKernels.Job* job)
    {
        ref QuantizedMatMulArguments a = ref *job->Arguments;
        int perChunk = L.Count * B.FieldsPerWord;
        int nChunks = (a.K + perChunk - 1) / perChunk, nGroups = a.W.GroupsPerRow;
        job->OrderedRow = nChunks * perChunk;
        job->SumsRow = (nGroups + 15) / 16 * 16;
        job->Ordered = KernelScratch.Floats(
            KernelScratch.Use.Extra, (long)a.M * (job->OrderedRow + job->SumsRow));
        job->Sums = job->Ordered + (long)a.M * job->OrderedRow;
        for (int m = 0; m < a.M; m++)
        {
            float* x = job->X + (long)m * job->XRow, ordered = job->Ordered + (long)m * job->OrderedRow;
            for (int first = 0; first < a.K; first += perChunk, ordered += perChunk)
            {
                int nWords = Math.Min(L.Count, (a.K - first) / B.FieldsPerWord);
                if (nWords < L.Count)
                    new Span<float>(ordered, perChunk).Clear();
                if (B.Bits == 8)
                {
                    new Span<float>(x + first, nWords * B.FieldsPerWord).CopyTo(new Span<float>(ordered, perChunk));
                    continue;
                }

                for (int field = 0; field < B.FieldsPerWord; field++)
                {
                    float* from = x + first + field, to = ordered + field * L.Count;
                    for (int word = 0; word < nWords; word++, from += B.FieldsPerWord)
                        to[word] = *from;
                }
            }

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

    /// <summary>
    /// Row <paramref name="row"/> and three more, each <paramref name="apart"/> further on, against every row of x; absent
    /// rows repeat the last one. The results are [M, <paramref name="resultsRow"/>], those of the four rows as far apart as
    /// the rows; <paramref name="scales"/> is room for 8 × (groups + 32) floats.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows4(
        ref QuantizedKernels.Job job, int row, int apart, float* scales, float* results, int resultsRow)
    {
        ref QuantizedMatMulArguments a = ref *job.Arguments;
        int nGroups = a.W.GroupsPerRow, scalesRow = nGroups + 32, last = a.W.Rows - 1;
        long rowBytes = a.W.RowBytes;
        byte* w0 = (byte*)a.W.Words + row * rowBytes;
        byte* w1 = (byte*)a.W.Words + Math.Min(row + apart, last) * rowBytes;
        byte* w2 = (byte*)a.W.Words + Math.Min(row + 2 * apart, last) * rowBytes;
        byte* w3 = (byte*)a.W.Words + Math.Min(row + 3 * apart, last) * rowBytes;
        for (int r = 0; r < 4; r++)
        {
            int from = Math.Min(row + r * apart, last);
            Widen((byte*)a.W.Scales, from, nGroups, a.W.Rows, scales + r * scalesRow);
            Widen((byte*)a.W.Biases, from, nGroups, a.W.Rows, scales + (4 + r) * scalesRow);
        }

        int lanesPerGroup = a.W.GroupSize * B.Bits / 32, nWords = (int)(rowBytes / 4);
        for (int m = 0; m < a.M; m++)
        {
            Dot4(
                job.Ordered + (long)m * job.OrderedRow, w0, w1, w2, w3, nWords, lanesPerGroup, scales, scalesRow,
                job.Sums + (long)m * job.SumsRow, nGroups, results + (long)m * resultsRow, apart);
        }
    }

    /// <summary>A row of scales or biases in float32, and zeros behind it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Widen(byte* all, int row, int nGroups, int nRows, float* to)
    {
        byte* from = all + (long)row * nGroups * S.Size;
        long left = (long)(nRows - row) * nGroups;      // a vector may reach into the next row
        int i = 0;
        for (; i < nGroups && i + L.Count <= left; i += L.Count)
            L.Store(S.Load<L, V>(from, i), to + i);
        for (; i < nGroups; i++)
            to[i] = S.Load<SimdScalar, float>(from, i);
        for (int behind = 0; behind < 16; behind += L.Count)
            L.Store(default, to + nGroups + behind);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Dot4(
        float* x, byte* w0, byte* w1, byte* w2, byte* w3, int nWords, int lanesPerGroup, float* scales, int scalesRow,
        float* sums, int nGroups, float* results, int apart)
    {
        V s0 = default, s1 = default, s2 = default, s3 = default;
        int whole = nWords / L.Count * L.Count;
        AddChunks(x, w0, w1, w2, w3, whole, lanesPerGroup, scales, scalesRow, ref s0, ref s1, ref s2, ref s3);
        if (whole < nWords)
        {
            AddTail(
                x + (long)whole * B.FieldsPerWord, w0 + whole * 4L, w1 + whole * 4L, w2 + whole * 4L, w3 + whole * 4L, nWords - whole,
                lanesPerGroup, scales + whole / lanesPerGroup, scalesRow, ref s0, ref s1, ref s2, ref s3);
        }

        V centre = L.Create(1 << (B.Bits - 1));
        for (int group = 0; group < nGroups; group += L.Count)
        {
            float* at = scales + group, bias = at + 4 * scalesRow;
            V sum = L.Load(sums + group);
            s0 = L.MultiplyAdd(L.MultiplyAdd(L.Load(at), centre, L.Load(bias)), sum, s0);
            s1 = L.MultiplyAdd(L.MultiplyAdd(L.Load(at + scalesRow), centre, L.Load(bias + scalesRow)), sum, s1);
            s2 = L.MultiplyAdd(L.MultiplyAdd(L.Load(at + 2 * scalesRow), centre, L.Load(bias + 2 * scalesRow)), sum, s2);
            s3 = L.MultiplyAdd(L.MultiplyAdd(L.Load(at + 3 * scalesRow), centre, L.Load(bias + 3 * scalesRow)), sum, s3);
        }

        results[0] = L.Sum(s0);
        results[apart] = L.Sum(s1);
        results[2 * apart] = L.Sum(s2);
        results[3 * apart] = L.Sum(s3);
    }

    // A chunk of fewer words, from a place behind which there is room.
    private static void AddTail(
        float* x, byte* w0, byte* w1, byte* w2, byte* w3, int nWords, int lanesPerGroup, float* scales, int scalesRow,
        ref V s0, ref V s1, ref V s2, ref V s3)
    {
        const int Room = 16;        // words of the widest vector
        uint* copy = stackalloc uint[4 * Room];
        new Span<uint>(copy, 4 * Room).Clear();
        new Span<uint>(w0, nWords).CopyTo(new Span<uint>(copy, Room));
        new Span<uint>(w1, nWords).CopyTo(new Span<uint>(copy + Room, Room));
        new Span<uint>(w2, nWords).CopyTo(new Span<uint>(copy + 2 * Room, Room));
        new Span<uint>(w3, nWords).CopyTo(new Span<uint>(copy + 3 * Room, Room));
        AddChunks(
            x, (byte*)copy, (byte*)(copy + Room), (byte*)(copy + 2 * Room), (byte*)(copy + 3 * Room), L.Count, lanesPerGroup,
            scales, scalesRow, ref s0, ref s1, ref s2, ref s3);
    }

    // Whole chunks; nothing is called in here, so that the sums stay in registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void AddChunks(
        float* x, byte* w0, byte* w1, byte* w2, byte* w3, int nWords, int lanesPerGroup, float* scales, int scalesRow,
        ref V sum0, ref V sum1, ref V sum2, ref V sum3)
    {
        V s0 = sum0, s1 = sum1, s2 = sum2, s3 = sum3, table = L.FieldTable(B.Bits), places = L.SpreadPlaces(lanesPerGroup);
        for (int word = 0; word < nWords; word += L.Count)
        {
            byte* p0 = w0 + word * 4L, p1 = w1 + word * 4L, p2 = w2 + word * 4L, p3 = w3 + word * 4L;
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(p0 + MatVecKernels.PrefetchBytes);
                Sse.Prefetch0(p1 + MatVecKernels.PrefetchBytes);
                Sse.Prefetch0(p2 + MatVecKernels.PrefetchBytes);
                Sse.Prefetch0(p3 + MatVecKernels.PrefetchBytes);
            }

            float* scale = scales + word / lanesPerGroup;
            if (B.Bits == 8)
            {
                // A chunk of the widest vectors holds two of the smallest groups.
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
                    s1 = L.MultiplyAdd(L.Create(scale[scalesRow]), b1, s1);
                    s2 = L.MultiplyAdd(L.Create(scale[2 * scalesRow]), b2, s2);
                    s3 = L.MultiplyAdd(L.Create(scale[3 * scalesRow]), b3, s3);
                }

                continue;
            }

            V d0 = default, d1 = default, d2 = default, d3 = default;
            V q0 = L.Load((float*)p0), q1 = L.Load((float*)p1), q2 = L.Load((float*)p2), q3 = L.Load((float*)p3);
            for (int field = 0; field < B.FieldsPerWord; field++)
            {
                V value = L.Load(x);
                x += L.Count;
                d0 = L.MultiplyAdd(value, L.LowField(q0, B.Bits, table), d0);
                d1 = L.MultiplyAdd(value, L.LowField(q1, B.Bits, table), d1);
                d2 = L.MultiplyAdd(value, L.LowField(q2, B.Bits, table), d2);
                d3 = L.MultiplyAdd(value, L.LowField(q3, B.Bits, table), d3);
                if (field == B.FieldsPerWord - 1)
                    continue;
                q0 = L.ShiftWords(q0, B.Bits);
                q1 = L.ShiftWords(q1, B.Bits);
                q2 = L.ShiftWords(q2, B.Bits);
                q3 = L.ShiftWords(q3, B.Bits);
            }

            s0 = L.MultiplyAdd(L.Spread(scale, places), d0, s0);
            s1 = L.MultiplyAdd(L.Spread(scale + scalesRow, places), d1, s1);
            s2 = L.MultiplyAdd(L.Spread(scale + 2 * scalesRow, places), d2, s2);
            s3 = L.MultiplyAdd(L.Spread(scale + 3 * scalesRow, places), d3, s3);
        }

        (sum0, sum1, sum2, sum3) = (s0, s1, s2, s3);
    }
}
