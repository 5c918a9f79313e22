using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Bits of a field, as a constant of the compiled kernel.</summary>
internal interface IFieldBits
{
    static abstract int Bits { get; }

    /// <summary>Bytes are read at their own places, which is cheaper than shifting; smaller fields are not.</summary>
    static abstract int LoadsPerWord { get; }

    static abstract int FieldsPerLoad { get; }
}

internal readonly struct Bits2 : IFieldBits
{
    public static int Bits => 2;

    public static int LoadsPerWord => 1;

    public static int FieldsPerLoad => 16;
}

internal readonly struct Bits4 : IFieldBits
{
    public static int Bits => 4;

    public static int LoadsPerWord => 1;

    public static int FieldsPerLoad => 8;
}

internal readonly struct Bits8 : IFieldBits
{
    public static int Bits => 8;

    public static int LoadsPerWord => 4;

    public static int FieldsPerLoad => 1;
}

/// <summary>
/// Dot products of x with affine rows whose fields do not cross words:
/// <c>Σ scale_g · Σ (q − c)·x + Σ (bias_g + c·scale_g) · Σ x</c>, c half the range of q. A vector of words yields field s of every word at once, so x is put into
/// that order beforehand: <c>[chunk of words][s][word]</c>.
/// </summary>
internal static unsafe class FieldDot<L, V, S, B>
    where L : struct, ISimd<V>
    where V : struct
    where S : struct, IFloatFormat
    where B : struct, IFieldBits
{
    private static int FieldsPerWord => 32 / B.Bits;

    /// <summary>Orders and sums x, once a product.</summary>
    public static void Prepare(QuantizedKernels.Job* job)
    {
        ref QuantizedMatMulArguments a = ref *job->Arguments;
        int perChunk = L.Count * FieldsPerWord;
        int nChunks = (a.K + perChunk - 1) / perChunk, nGroups = a.W.GroupsPerRow;
        job->OrderedRow = nChunks * perChunk;
        job->SumsRow = (nGroups + 15) / 16 * 16;
        job->Ordered = KernelScratch.Floats(
            KernelScratch.Use.Extra, (long)a.M * (job->OrderedRow + job->SumsRow));
        job->Sums = job->Ordered + (long)a.M * job->OrderedRow;
        for (int m = 0; m < a.M; m++)
        {
            float* x = job->X + (long)m * job->XRow, ordered = job->Ordered + (long)m * job->OrderedRow;
            new Span<float>(ordered, job->OrderedRow).Clear();
            for (int i = 0; i < a.K; i++)
            {
                int word = i / FieldsPerWord, field = i % FieldsPerWord;
                ordered[word / L.Count * perChunk + field * L.Count + word % L.Count] = x[i];
            }

            for (int group = 0; group < nGroups; group++)
            {
                float sum = 0;
                for (int i = group * a.W.GroupSize; i < (group + 1) * a.W.GroupSize; i++)
                    sum += x[i];
                job->Sums[(long)m * job->SumsRow + group] = sum;
            }
        }
    }

    /// <summary>
    /// Rows <paramref name="row"/> to +3 against every row of x; absent rows repeat the last one. The results are
    /// [M, <paramref name="resultsRow"/>]; <paramref name="scales"/> is room for 4 × (groups + 16) floats.
    /// </summary>
    public static void Rows4(ref QuantizedKernels.Job job, int row, float* scales, float* results, int resultsRow)
    {
        ref QuantizedMatMulArguments a = ref *job.Arguments;
        int nGroups = a.W.GroupsPerRow, scalesRow = nGroups + 16, last = a.W.Rows - 1;
        long rowBytes = a.W.RowBytes;
        byte* w0 = (byte*)a.W.Words + row * rowBytes;
        byte* w1 = (byte*)a.W.Words + Math.Min(row + 1, last) * rowBytes;
        byte* w2 = (byte*)a.W.Words + Math.Min(row + 2, last) * rowBytes;
        byte* w3 = (byte*)a.W.Words + Math.Min(row + 3, last) * rowBytes;
        for (int r = 0; r < 4; r++)
        {
            byte* from = (byte*)a.W.Scales + (long)Math.Min(row + r, last) * nGroups * S.Size;
            float* to = scales + r * scalesRow;
            int i = 0;
            for (; i <= nGroups - L.Count; i += L.Count)
                L.Store(S.Load<L, V>(from, i), to + i);
            for (; i < nGroups; i++)
                to[i] = S.Load<SimdScalar, float>(from, i);
            for (; i < scalesRow; i++)
                to[i] = 0;
        }

        int lanesPerGroup = a.W.GroupSize * B.Bits / 32, nWords = (int)(rowBytes / 4);
        for (int m = 0; m < a.M; m++)
        {
            float* result = results + (long)m * resultsRow;
            Dot4(
                job.Ordered + (long)m * job.OrderedRow, w0, w1, w2, w3, nWords, lanesPerGroup, scales, scalesRow,
                spare: B.Bits == 8 && row + 4 > last ? 1 : 0, prefetch: 4 * rowBytes, result);
            for (int r = 0; r < 4; r++)
            {
                byte* biases = (byte*)a.W.Biases + (long)Math.Min(row + r, last) * nGroups * S.Size;
                result[r] += Offset(job.Sums + (long)m * job.SumsRow, scales + r * scalesRow, biases, nGroups);
            }
        }
    }

    /// <summary>Σ (bias + c·scale) · Σ x over the groups of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Offset(float* sums, float* scales, byte* biases, int nGroups)
    {
        V total = default, centre = L.Create(1 << (B.Bits - 1));
        int i = 0;
        for (; i <= nGroups - L.Count; i += L.Count)
        {
            V offset = L.MultiplyAdd(L.Load(scales + i), centre, S.Load<L, V>(biases, i));
            total = L.MultiplyAdd(offset, L.Load(sums + i), total);
        }

        float result = L.Sum(total);
        for (; i < nGroups; i++)
        {
            float offset = MathF.FusedMultiplyAdd(scales[i], 1 << (B.Bits - 1), S.Load<SimdScalar, float>(biases, i));
            result += offset * sums[i];
        }

        return result;
    }

    /// <summary>Words are read up to three bytes beyond the last; with <paramref name="spare"/> 1 that is not allowed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Dot4(
        float* x, byte* w0, byte* w1, byte* w2, byte* w3, int nWords, int lanesPerGroup, float* scales, int scalesRow,
        int spare, long prefetch, float* results)
    {
        V s0 = default, s1 = default, s2 = default, s3 = default, table = L.FieldTable(B.Bits);
        uint* tail = stackalloc uint[4 * 16 + 1];
        for (int word = 0; word < nWords; word += L.Count)
        {
            byte* p0 = w0 + word * 4, p1 = w1 + word * 4, p2 = w2 + word * 4, p3 = w3 + word * 4;
            if (word + L.Count > nWords - spare)
            {
                int rest = Math.Min(L.Count, nWords - word);
                new Span<uint>(tail, 65).Clear();
                new Span<uint>(p0, rest).CopyTo(new Span<uint>(tail, 16));
                new Span<uint>(p1, rest).CopyTo(new Span<uint>(tail + 16, 16));
                new Span<uint>(p2, rest).CopyTo(new Span<uint>(tail + 32, 16));
                new Span<uint>(p3, rest).CopyTo(new Span<uint>(tail + 48, 16));
                p0 = (byte*)tail;
                p1 = (byte*)(tail + 16);
                p2 = (byte*)(tail + 32);
                p3 = (byte*)(tail + 48);
            }
            else if (Sse.IsSupported)
            {
                Sse.Prefetch0(p0 + prefetch);
                Sse.Prefetch0(p1 + prefetch);
                Sse.Prefetch0(p2 + prefetch);
                Sse.Prefetch0(p3 + prefetch);
            }

            V d0 = default, d1 = default, d2 = default, d3 = default;
            for (int offset = 0; offset < B.LoadsPerWord; offset++)
            {
                V q0 = L.Load((float*)(p0 + offset)), q1 = L.Load((float*)(p1 + offset));
                V q2 = L.Load((float*)(p2 + offset)), q3 = L.Load((float*)(p3 + offset));
                for (int field = 0; field < B.FieldsPerLoad; field++)
                {
                    V value = L.Load(x);
                    x += L.Count;
                    d0 = L.MultiplyAdd(value, L.LowField(q0, B.Bits, table), d0);
                    d1 = L.MultiplyAdd(value, L.LowField(q1, B.Bits, table), d1);
                    d2 = L.MultiplyAdd(value, L.LowField(q2, B.Bits, table), d2);
                    d3 = L.MultiplyAdd(value, L.LowField(q3, B.Bits, table), d3);
                    if (field == B.FieldsPerLoad - 1)
                        continue;
                    q0 = L.ShiftWords(q0, B.Bits);
                    q1 = L.ShiftWords(q1, B.Bits);
                    q2 = L.ShiftWords(q2, B.Bits);
                    q3 = L.ShiftWords(q3, B.Bits);
                }
            }

            float* scale = scales + word / lanesPerGroup;
            s0 = L.MultiplyAdd(L.Spread(scale, lanesPerGroup), d0, s0);
            s1 = L.MultiplyAdd(L.Spread(scale + scalesRow, lanesPerGroup), d1, s1);
            s2 = L.MultiplyAdd(L.Spread(scale + 2 * scalesRow, lanesPerGroup), d2, s2);
            s3 = L.MultiplyAdd(L.Spread(scale + 3 * scalesRow, lanesPerGroup), d3, s3);
        }

        results[0] = L.Sum(s0);
        results[1] = L.Sum(s1);
        results[2] = L.Sum(s2);
        results[3] = L.Sum(s3);
    }
}
