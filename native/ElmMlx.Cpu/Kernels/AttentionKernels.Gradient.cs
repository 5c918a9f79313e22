using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

// Gradients: with S = scale · q·kᵀ + mask, P = softmax S, dP = g·vᵀ and dS = P · (dP − Σ P · dP):
// dq = scale · dS·k, dk = scale · dSᵀ·q, dv = Pᵀ·g. A task takes some blocks of query rows of one key head, keeps P and dS
// of a block and adds to sums of dk and dv of its own. How many tasks share a key head follows from the shapes alone, and
// their sums are added in order: the bits do not depend on the number of threads.
internal static unsafe partial class AttentionKernels
{
    /// <summary>Query rows of a block; a multiple of every tile's height and width.</summary>
    private const int GradientRows = 96;

    /// <summary>Tasks that are made at a time where there are fewer key heads.</summary>
    private const int GradientTasks = 16;

    public static void RunGradient(in AttentionGradientArguments arguments)
    {
        switch (arguments.Forward.Type)
        {
            case mlx_dtype.MLX_FLOAT32:
                Simd.Run<GradientKernel<Float32Format>, AttentionGradientArguments>(arguments);
                break;
            case mlx_dtype.MLX_BFLOAT16:
                Simd.Run<GradientKernel<BFloat16Format>, AttentionGradientArguments>(arguments);
                break;
            case mlx_dtype.MLX_FLOAT16:
                Simd.Run<GradientKernel<Float16Format>, AttentionGradientArguments>(arguments);
                break;
            default:
                throw new ArgumentException(
                    "[scaled_dot_product_attention] Only float32, float16 and bfloat16 are supported.");
        }
    }

    /// <summary>The naive twin: all scores of a row at once, in float64; float32 arrays only.</summary>
    public static void RunGradientNaive(in AttentionGradientArguments arguments)
    {
        AttentionArguments a = arguments.Forward;
        long nGroups = (long)a.B * a.G;
        double[] p = new double[a.Lk], pulls = new double[a.Lk];
        double[] ofQ = new double[a.B * (long)a.H * a.Lq * a.D];
        double[] ofK = new double[nGroups * a.Lk * a.D], ofV = new double[nGroups * a.Lk * a.Dv];
        for (long row = 0; row < (long)a.B * a.H * a.Lq; row++)
        {
            int b = (int)(row / a.Lq / a.H), h = (int)(row / a.Lq % a.H), i = (int)(row % a.Lq);
            int group = h / a.HeadsPerGroup;
            long firstKey = ((long)b * a.G + group) * a.Lk;
            float* q = (float*)a.Q + b * a.QBatch + h * a.QHead + i * a.QRow;
            float* g = (float*)arguments.Cotangent
                + b * arguments.CotangentBatch + h * arguments.CotangentHead + i * arguments.CotangentRow;
            double largest = a.Sinks is null ? double.NegativeInfinity : a.Sinks[h];
            for (int j = 0; j < a.Lk; j++)
            {
                float* k = (float*)a.K + b * a.KBatch + group * a.KHead + j * a.KRow;
                float* v = (float*)a.V + b * a.VBatch + group * a.VHead + j * a.VRow;
                (p[j], pulls[j]) = (0, 0);
                for (int d = 0; d < a.D; d++)
                    p[j] += (double)q[d] * k[d];
                for (int d = 0; d < a.Dv; d++)
                    pulls[j] += (double)g[d] * v[d];
                p[j] = Masked<Float32Format>(a, b, h, i, j, (float)(p[j] * a.Scale));
                largest = Math.Max(largest, p[j]);
            }

            double total = a.Sinks is null ? 0 : Math.Exp(a.Sinks[h] - largest), expected = 0;
            for (int j = 0; j < a.Lk; j++)
                total += Math.Exp(p[j] - largest);
            for (int j = 0; j < a.Lk; j++)
                expected += Math.Exp(p[j] - largest) / total * pulls[j];
            for (int j = 0; j < a.Lk; j++)
            {
                bool isHidden = p[j] == Hidden;
                p[j] = Math.Exp(p[j] - largest) / total;
                double spread = isHidden ? 0 : p[j] * (pulls[j] - expected) * a.Scale;
                float* k = (float*)a.K + b * a.KBatch + group * a.KHead + j * a.KRow;
                for (int d = 0; d < a.D; d++)
                {
                    ofQ[row * a.D + d] += spread * k[d];
                    ofK[(firstKey + j) * a.D + d] += spread * q[d];
                }

                for (int d = 0; d < a.Dv; d++)
                    ofV[(firstKey + j) * a.Dv + d] += p[j] * g[d];
            }
        }

        Store(ofQ, (float*)arguments.OfQ);
        Store(ofK, (float*)arguments.OfK);
        Store(ofV, (float*)arguments.OfV);

        static void Store(double[] from, float* to)
        {
            for (long i = 0; i < from.LongLength; i++)
                to[i] = (float)from[i];
        }
    }

    private readonly struct GradientKernel<F> : ISimdKernel<AttentionGradientArguments>
        where F : struct, IFloatFormat
    {
        public static void Run<L, V>(in AttentionGradientArguments arguments)
            where L : struct, ISimd<V>
            where V : struct
        {
            AttentionGradientArguments all = arguments;
            ref AttentionArguments a = ref all.Forward;
            int tileRows = Tile<L, V>.Rows, nGroups = a.B * a.G, allRows = a.HeadsPerGroup * a.Lq;
            var job = new GradientJob
            {
                Arguments = &all,
                QueryBlockCount = (allRows + GradientRows - 1) / GradientRows,
                KeyBlockCount = (a.Lk + BlockKeys - 1) / BlockKeys,
                QueryHeight = (a.D + tileRows - 1) / tileRows * tileRows,
                ValueHeight = (a.Dv + tileRows - 1) / tileRows * tileRows,
            };
            long nKeys = (long)job.KeyBlockCount * BlockKeys;
            job.PackedSize = nKeys * (a.D + a.Dv + job.QueryHeight);
            job.SumsSize = nKeys * (job.QueryHeight + job.ValueHeight);
            int atOnce = (int)Math.Clamp(PackedFloats / Math.Max(1, job.PackedSize), 1, Math.Max(1, nGroups));
            job.PartCount = Math.Clamp((GradientTasks + atOnce - 1) / atOnce, 1, Math.Max(1, job.QueryBlockCount));
            job.Packed = KernelScratch.Floats(KernelScratch.Use.Packed, atOnce * job.PackedSize);
            job.Sums = KernelScratch.Floats(KernelScratch.Use.Sums, atOnce * job.PartCount * job.SumsSize);
            for (job.FirstGroup = 0; job.FirstGroup < nGroups; job.FirstGroup += atOnce)
            {
                int count = Math.Min(atOnce, nGroups - job.FirstGroup);
                WorkerPool.Run(count * job.KeyBlockCount, &PackKeysTask<L, V, F>, &job);
                WorkerPool.Run(count * job.PartCount, &PartTask<L, V, F>, &job);
                WorkerPool.Run(count * job.KeyBlockCount, &AddUpTask<L, V, F>, &job);
            }
        }
    }

    private static void PackKeysTask<L, V, F>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref GradientJob job = ref *(GradientJob*)context;
        ref AttentionArguments a = ref job.Arguments->Forward;
        int local = task / job.KeyBlockCount, group = job.FirstGroup + local;
        int b = group / a.G, g = group % a.G;
        int key = task % job.KeyBlockCount * BlockKeys, nKeys = Math.Min(BlockKeys, a.Lk - key);
        byte* keys = (byte*)a.K + (b * a.KBatch + g * a.KHead + key * a.KRow) * F.Size;
        byte* values = (byte*)a.V + (b * a.VBatch + g * a.VHead + key * a.VRow) * F.Size;
        PackedPanels.Pack<L, V, F>(keys, a.KRow, 1, nKeys, a.D, Tile<L, V>.Columns, job.Keys(local, key));
        PackedPanels.Pack<L, V, F>(values, a.VRow, 1, nKeys, a.Dv, Tile<L, V>.Columns, job.Values(local, key));
        PackedPanels.Pack<L, V, F>(keys, 1, a.KRow, a.D, nKeys, Tile<L, V>.Rows, job.TurnedKeys(local, key));
    }

    // The sums of all parts, in order, turned to rows.
    private static void AddUpTask<L, V, F>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref GradientJob job = ref *(GradientJob*)context;
        ref AttentionArguments a = ref job.Arguments->Forward;
        int local = task / job.KeyBlockCount, key = task % job.KeyBlockCount * BlockKeys;
        int nKeys = Math.Min(BlockKeys, a.Lk - key);
        long row = (long)(job.FirstGroup + local) * a.Lk + key;
        if (job.Arguments->OfK is not null)
        {
            for (int part = 1; part < job.PartCount; part++)
                AddTo<L, V>(job.SumsOfK(local, 0, key), job.SumsOfK(local, part, key), BlockKeys * job.QueryHeight);
            byte* to = (byte*)job.Arguments->OfK + row * a.D * F.Size;
            StoreTurned<L, V, F>(job.SumsOfK(local, 0, key), job.QueryHeight, nKeys, a.D, to);
        }

        if (job.Arguments->OfV is not null)
        {
            for (int part = 1; part < job.PartCount; part++)
                AddTo<L, V>(job.SumsOfV(local, 0, key), job.SumsOfV(local, part, key), BlockKeys * job.ValueHeight);
            byte* to = (byte*)job.Arguments->OfV + row * a.Dv * F.Size;
            StoreTurned<L, V, F>(job.SumsOfV(local, 0, key), job.ValueHeight, nKeys, a.Dv, to);
        }
    }

    private struct GradientJob
    {
        public AttentionGradientArguments* Arguments;
        public int QueryBlockCount, KeyBlockCount, PartCount, FirstGroup;

        /// <summary>The widths of queries and values, rounded up to whole tiles.</summary>
        public int QueryHeight, ValueHeight;

        /// <summary>Panels of each key head: of keys, of values, and of keys turned; floats of one head.</summary>
        public float* Packed;
        public long PackedSize;

        /// <summary>Sums of dkᵀ, then of dvᵀ, of each part of each key head, <c>[panel of keys][row][key]</c>; floats of one part.</summary>
        public float* Sums;
        public long SumsSize;

        private readonly long KeyCount => (long)KeyBlockCount * BlockKeys;

        public readonly float* Keys(int group, int key) =>
            Packed + group * PackedSize + (long)key * Arguments->Forward.D;

        public readonly float* Values(int group, int key) =>
            Packed + group * PackedSize + KeyCount * Arguments->Forward.D + (long)key * Arguments->Forward.Dv;

        public readonly float* TurnedKeys(int group, int key) =>
            Packed + group * PackedSize + KeyCount * (Arguments->Forward.D + Arguments->Forward.Dv)
            + (long)key * QueryHeight;

        public readonly float* SumsOfK(int group, int part, int key) =>
            Sums + ((long)group * PartCount + part) * SumsSize + (long)key * QueryHeight;

        public readonly float* SumsOfV(int group, int part, int key) =>
            Sums + ((long)group * PartCount + part) * SumsSize + KeyCount * QueryHeight + (long)key * ValueHeight;
    }
}
