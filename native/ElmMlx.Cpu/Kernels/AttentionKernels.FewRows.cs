namespace ElmMlx.Cpu.Kernels;

// Decoding: a few rows of queries against many keys. The keys are cut into parts of a fixed length, every part keeps its
// own running softmax, and the parts of a row are put together at the end.
internal static unsafe partial class AttentionKernels
{
    /// <summary>Keys of a task.</summary>
    private const int PartKeys = 256;

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
        float* q = KernelScratch.Floats(KernelScratch.Use.Input, a.D);
        float* scores = KernelScratch.Floats(KernelScratch.Use.Scores, (long)nRows * PartKeys);
        byte* keys = (byte*)a.K + (b * a.KBatch + g * a.KHead + first * a.KRow) * F.Size;
        byte* values = (byte*)a.V + (b * a.VBatch + g * a.VHead + first * a.VRow) * F.Size;
        long keyStep = a.KRow * F.Size, valueStep = a.VRow * F.Size;
        for (int row = 0; row < nRows; row++)
        {
            int h = g * a.HeadsPerGroup + row / a.Lq, i = row % a.Lq;
            byte* query = (byte*)a.Q + (b * a.QBatch + h * a.QHead + i * a.QRow) * F.Size;
            for (int d = 0; d < a.D; d++)
                q[d] = F.Load<SimdScalar, float>(query, d) * a.Scale;
            float* score = scores + row * PartKeys;
            int j = 0;
            for (; j <= nKeys - 4; j += 4)
            {
                byte* k = keys + j * keyStep;
                MatVecKernels.Dot4<L, V, F>(q, k, keyStep, a.D, prefetch: 4 * keyStep, score + j, apart: 1);
            }

            for (; j < nKeys; j++)
                score[j] = MatVecKernels.Dot<L, V, F>(q, keys + j * keyStep, a.D);
            MaskRow<F>(a, b, h, i, first, nKeys, score);

            float* state = states + (long)row * job.StateSize, sums = state + 2;
            float largest = Largest<L, V>(score, nKeys);
            state[0] = largest;
            new Span<float>(sums, a.Dv).Clear();
            if (float.IsNegativeInfinity(largest))
            {
                state[1] = 0;
                continue;
            }

            state[1] = ExpAndSum<L, V>(score, nKeys, largest);
            j = 0;
            for (; j <= nKeys - 4; j += 4)
                MatVecKernels.AddRows4<L, V, F>(score + j, values + j * valueStep, valueStep, a.Dv, sums);
            for (; j < nKeys; j++)
                MatVecKernels.AddRow<L, V, F>(score[j], values + j * valueStep, a.Dv, sums);
        }
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
