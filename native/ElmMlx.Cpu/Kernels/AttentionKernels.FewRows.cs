using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

// Decoding: a few rows of queries against many keys. The keys are cut into parts of a fixed length, every part keeps its
// own running softmax, and the parts of a row are put together at the end. All rows of a group go through a part together, so keys and
// values are read and widened once: four heads of 64 take 40 cycles a key from the caches, and 25 GB/s from memory with two threads,
// a third of what can be read.
internal static unsafe partial class AttentionKernels
{
    /// <summary>Keys of a task.</summary>
    private const int PartKeys = 256;

    /// <summary>
    /// How many keys ahead memory is asked for. Values are asked for with the keys, to be there when the scores are.
    /// </summary>
    private const int PrefetchKeys = 64;

    private static void RunFewRows<L, V, F>(AttentionArguments* a)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        int nParts = Math.Max(1, (a->Lk + PartKeys - 1) / PartKeys), nRows = a->HeadsPerGroup * a->Lq;
        int stateSize = (a->Dv + 2 + 15) / 16 * 16;
        var job = new FewRowsJob
        {
            Arguments = a,
            PartCount = nParts,
            StateSize = stateSize,
            States = KernelScratch.Floats(
                KernelScratch.Use.PanelsA, (long)a->B * a->G * nParts * nRows * stateSize),
        };
        WorkerPool.Run(a->B * a->G * nParts, &FewRowsTask<L, V, F>, &job);
        Combine<L, V, F>(ref job);
    }

    private static void FewRowsTask<L, V, F>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref FewRowsJob job = ref *(FewRowsJob*)context;
        ref AttentionArguments a = ref *job.Arguments;
        int b = task / job.PartCount / a.G, g = task / job.PartCount % a.G;
        int first = task % job.PartCount * PartKeys, nKeys = Math.Min(PartKeys, a.Lk - first);
        int nRows = a.HeadsPerGroup * a.Lq;
        float* states = job.States + (long)task * nRows * job.StateSize;
        float* q = KernelScratch.Floats(KernelScratch.Use.Input, (long)nRows * a.D);
        float* scores = KernelScratch.Floats(KernelScratch.Use.Scores, (long)nRows * PartKeys);
        byte* keys = (byte*)a.K + (b * a.KBatch + g * a.KHead + first * a.KRow) * F.Size;
        byte* values = (byte*)a.V + (b * a.VBatch + g * a.VHead + first * a.VRow) * F.Size;
        long keyStep = a.KRow * F.Size, valueStep = a.VRow * F.Size;
        for (int row = 0; row < nRows; row++)
        {
            byte* query = (byte*)a.Q + (b * a.QBatch + (g * a.HeadsPerGroup + row / a.Lq) * a.QHead + row % a.Lq * a.QRow) * F.Size;
            MatVecKernels.Widen<L, V, F>(query, 0, 1, a.D, q + (long)row * a.D);
            Multiply<L, V>(q + (long)row * a.D, a.D, a.Scale);
        }

        int j = 0;
        for (; j <= nKeys - 4; j += 4)
        {
            for (int ahead = j; ahead < j + 4; ahead++)
                Prefetch(values + ahead * valueStep, (long)a.Dv * F.Size);
            RowTile<L, V, F>.Dots(
                q, a.D, nRows, keys + j * keyStep, keyStep, a.D, PrefetchKeys * keyStep, scores + j, PartKeys, apart: 1);
        }

        for (; j < nKeys; j++)
        {
            for (int row = 0; row < nRows; row++)
                scores[row * PartKeys + j] = MatVecKernels.Dot<L, V, F>(q + (long)row * a.D, keys + j * keyStep, a.D);
        }

        for (int row = 0; row < nRows; row++)
        {
            float* score = scores + row * PartKeys, state = states + (long)row * job.StateSize;
            MaskRow<F>(a, b, g * a.HeadsPerGroup + row / a.Lq, row % a.Lq, first, nKeys, score);
            state[0] = Largest<L, V>(score, nKeys);
            state[1] = float.IsNegativeInfinity(state[0]) ? 0 : ExpAndSum<L, V>(score, nKeys, state[0]);
        }

        RowSums<L, V, F>.Run(scores, PartKeys, nRows, values, valueStep, nKeys, a.Dv, states + 2, job.StateSize);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* from, long nBytes)
    {
        for (long at = 0; Sse.IsSupported && at < nBytes; at += 64)
            Sse.Prefetch0(from + at);
    }

    private static void Combine<L, V, F>(ref FewRowsJob job)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref AttentionArguments a = ref *job.Arguments;
        int nRows = a.HeadsPerGroup * a.Lq;
        float* sums = KernelScratch.Floats(KernelScratch.Use.Scores, a.Dv);
        for (int group = 0; group < a.B * a.G; group++)
        {
            for (int row = 0; row < nRows; row++)
            {
                int h = group % a.G * a.HeadsPerGroup + row / a.Lq, i = row % a.Lq;
                float* first = job.States + ((long)group * job.PartCount * nRows + row) * job.StateSize;
                long step = (long)nRows * job.StateSize;
                float largest = a.Sinks is null ? float.NegativeInfinity : a.Sinks[h];
                for (int part = 0; part < job.PartCount; part++)
                    largest = MathF.Max(largest, first[part * step]);
                float total = a.Sinks is null ? 0 : MathF.Exp(a.Sinks[h] - largest);
                new Span<float>(sums, a.Dv).Clear();
                for (int part = 0; part < job.PartCount; part++)
                {
                    float* state = first + part * step;
                    if (float.IsNegativeInfinity(state[0]))
                        continue;
                    float factor = MathF.Exp(state[0] - largest);
                    total += factor * state[1];
                    MatVecKernels.AddRow<L, V, Float32Format>(factor, (byte*)(state + 2), a.Dv, sums);
                }

                long y = (((long)(group / a.G) * a.H + h) * a.Lq + i) * a.Dv;
                StoreScaled<L, V, F>(sums, a.Dv, 1 / total, (byte*)a.Y + y * F.Size);
            }
        }
    }

    /// <summary>A state is the largest score of a part, the sum of its weights, and the weighted sum of its values.</summary>
    private struct FewRowsJob
    {
        public AttentionArguments* Arguments;
        public int PartCount, StateSize;

        /// <summary>[B, G, part, row, StateSize].</summary>
        public float* States;
    }
}
