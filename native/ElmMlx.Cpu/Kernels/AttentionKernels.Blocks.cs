namespace ElmMlx.Cpu.Kernels;

// Prompts: a task takes a block of query rows of one key head (all its query heads) and walks over blocks of keys. Scores
// and weighted values are products of packed panels. Causal, 512 tokens in heads of 64: 43 % of the multiply-add limit, of
// which the products take 55 % of the time, the softmax 35 %, turning its rows into panels 5 %.
internal static unsafe partial class AttentionKernels
{
    /// <summary>Query rows of a task; a multiple of every tile's height.</summary>
    private const int BlockRows = 120;

    /// <summary>Keys of a step; a multiple of every tile's width.</summary>
    private const int BlockKeys = 256;

    /// <summary>Packed keys and values that are kept at a time.</summary>
    private const long PackedFloats = 4L << 20;

    // Keys and values are packed once for all query blocks; a few key heads at a time where they are long.
    private static void RunBlocks<L, V, F>(AttentionArguments* a)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        int nRows = a->HeadsPerGroup * a->Lq, tileColumns = Tile<L, V>.Columns;
        var job = new BlocksJob
        {
            Arguments = a,
            QueryBlockCount = (nRows + BlockRows - 1) / BlockRows,
            KeyBlockCount = (a->Lk + BlockKeys - 1) / BlockKeys,
            ValueWidth = (a->Dv + tileColumns - 1) / tileColumns * tileColumns,
        };
        job.PackedSize = (long)job.KeyBlockCount * BlockKeys * (a->D + job.ValueWidth);
        int nGroups = a->B * a->G, atOnce = (int)Math.Clamp(PackedFloats / Math.Max(1, job.PackedSize), 1, nGroups);
        job.Packed = KernelScratch.Floats(KernelScratch.Use.Packed, atOnce * job.PackedSize);
        for (job.FirstGroup = 0; job.FirstGroup < nGroups; job.FirstGroup += atOnce)
        {
            int count = Math.Min(atOnce, nGroups - job.FirstGroup);
            WorkerPool.Run(count * job.KeyBlockCount, &PackTask<L, V, F>, &job);
            WorkerPool.Run(count * job.QueryBlockCount, &BlockTask<L, V, F>, &job);
        }
    }

    private static void PackTask<L, V, F>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref BlocksJob job = ref *(BlocksJob*)context;
        ref AttentionArguments a = ref *job.Arguments;
        int local = task / job.KeyBlockCount, group = job.FirstGroup + local;
        int b = group / a.G, g = group % a.G;
        int key = task % job.KeyBlockCount * BlockKeys, nKeys = Math.Min(BlockKeys, a.Lk - key);
        byte* keys = (byte*)a.K + (b * a.KBatch + g * a.KHead + key * a.KRow) * F.Size;
        byte* values = (byte*)a.V + (b * a.VBatch + g * a.VHead + key * a.VRow) * F.Size;
        PackedPanels.Pack<L, V, F>(keys, a.KRow, 1, nKeys, a.D, Tile<L, V>.Columns, job.Keys(local, key));
        PackedPanels.Pack<L, V, F>(values, 1, a.VRow, a.Dv, nKeys, Tile<L, V>.Columns, job.Values(local, key));
    }

    // Row r of a group is head r % HeadsPerGroup of query r / HeadsPerGroup: a block covers few positions, so that a
    // causal mask lets it skip most later keys.
    private static void BlockTask<L, V, F>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref BlocksJob job = ref *(BlocksJob*)context;
        ref AttentionArguments a = ref *job.Arguments;
        int allRows = a.HeadsPerGroup * a.Lq;
        int local = task / job.QueryBlockCount, b = (job.FirstGroup + local) / a.G, g = (job.FirstGroup + local) % a.G;

        // The last blocks see the most keys under a causal mask: they go first, so that no thread ends with them.
        int firstRow = (job.QueryBlockCount - 1 - task % job.QueryBlockCount) * BlockRows;
        int nRows = Math.Min(BlockRows, allRows - firstRow);
        int tileRows = Tile<L, V>.Rows, tileColumns = Tile<L, V>.Columns;
        int nPanels = (nRows + tileRows - 1) / tileRows;
        int valueWidth = job.ValueWidth;

        float* queries = KernelScratch.Floats(KernelScratch.Use.PanelsA, (long)nPanels * tileRows * a.D);
        float* scores = KernelScratch.Floats(KernelScratch.Use.Scores, (long)nPanels * tileRows * BlockKeys);
        float* weights = KernelScratch.Floats(KernelScratch.Use.Extra, (long)nPanels * tileRows * BlockKeys);
        float* sums = KernelScratch.Floats(KernelScratch.Use.Tile, (long)nPanels * tileRows * valueWidth);
        float* largest = stackalloc float[BlockRows], totals = stackalloc float[BlockRows];
        new Span<float>(sums, nPanels * tileRows * valueWidth).Clear();
        for (int row = 0; row < nRows; row++)
        {
            int h = g * a.HeadsPerGroup + (firstRow + row) % a.HeadsPerGroup;
            largest[row] = a.Sinks is null ? float.NegativeInfinity : a.Sinks[h];
            totals[row] = a.Sinks is null ? 0 : 1;
        }

        PackQueries<L, V, F>(a, b, g, firstRow, nRows, queries);
        int endKey = a.Lk;
        if (a.MaskKind == AttentionMask.Causal && a.Lk >= a.Lq)
            endKey = Math.Min(endKey, (firstRow + nRows - 1) / a.HeadsPerGroup + (a.Lk - a.Lq) + 1);
        for (int key = 0; key < endKey; key += BlockKeys)
        {
            int nKeys = Math.Min(BlockKeys, endKey - key), nPadded = (nKeys + L.Count - 1) / L.Count * L.Count;
            float* keys = job.Keys(local, key), values = job.Values(local, key);
            int nValues = Math.Min(BlockKeys, a.Lk - key);      // k steps of the packed values
            for (int panel = 0; panel < nPanels; panel++)
            {
                for (int j = 0; j < nKeys; j += tileColumns)
                {
                    Tile<L, V>.Multiply(
                        a.D, queries + (long)panel * tileRows * a.D, keys + (long)j * a.D,
                        scores + (long)panel * tileRows * BlockKeys + j, BlockKeys, accumulate: false);
                }
            }

            for (int row = 0; row < nRows; row++)
            {
                int r = firstRow + row, h = g * a.HeadsPerGroup + r % a.HeadsPerGroup;
                float* score = scores + (long)row * BlockKeys;
                MaskRow<F>(a, b, h, r / a.HeadsPerGroup, key, nKeys, score);
                new Span<float>(score + nKeys, nPadded - nKeys).Fill(float.NegativeInfinity);
                float now = MathF.Max(largest[row], Largest<L, V>(score, nPadded));
                if (float.IsNegativeInfinity(now))
                {
                    new Span<float>(score, nKeys).Clear();
                    continue;
                }

                if (now > largest[row])
                {
                    float factor = MathF.Exp(largest[row] - now);
                    totals[row] *= factor;
                    Multiply<L, V>(sums + (long)row * valueWidth, a.Dv, factor);
                    largest[row] = now;
                }

                totals[row] += ExpAndSum<L, V>(score, nPadded, now);
            }

            PackedPanels.Pack<L, V, Float32Format>(scores, BlockKeys, 1, nRows, nKeys, tileRows, weights);
            for (int panel = 0; panel < nPanels; panel++)
            {
                for (int j = 0; j < valueWidth; j += tileColumns)
                {
                    Tile<L, V>.Multiply(
                        nKeys, weights + (long)panel * tileRows * nKeys, values + (long)j * nValues,
                        sums + (long)panel * tileRows * valueWidth + j, valueWidth, accumulate: true);
                }
            }
        }

        for (int row = 0; row < nRows; row++)
        {
            int r = firstRow + row, h = g * a.HeadsPerGroup + r % a.HeadsPerGroup, i = r / a.HeadsPerGroup;
            long y = (((long)b * a.H + h) * a.Lq + i) * a.Dv;
            StoreScaled<L, V, F>(
                sums + (long)row * valueWidth, a.Dv, 1 / totals[row], (byte*)a.Y + y * F.Size);
        }
    }

    /// <summary>Scaled queries as panels of A.</summary>
    private static void PackQueries<L, V, F>(in AttentionArguments a, int b, int g, int firstRow, int nRows, float* to)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        float* rows = KernelScratch.Floats(KernelScratch.Use.Input, (long)nRows * a.D);
        for (int row = 0; row < nRows; row++)
        {
            int r = firstRow + row, h = g * a.HeadsPerGroup + r % a.HeadsPerGroup, i = r / a.HeadsPerGroup;
            byte* query = (byte*)a.Q + (b * a.QBatch + h * a.QHead + i * a.QRow) * F.Size;
            LoadScaled<L, V, F>(query, a.D, a.Scale, rows + (long)row * a.D);
        }

        PackedPanels.Pack<L, V, Float32Format>(rows, a.D, 1, nRows, a.D, Tile<L, V>.Rows, to);
    }

    private struct BlocksJob
    {
        public AttentionArguments* Arguments;
        public int QueryBlockCount, KeyBlockCount, ValueWidth, FirstGroup;

        /// <summary>Panels of keys, then of values, of each key head; floats of one head.</summary>
        public float* Packed;
        public long PackedSize;

        /// <summary>Panels of the block of keys that begins at <paramref name="key"/>.</summary>
        public readonly float* Keys(int group, int key) => Packed + group * PackedSize + (long)key * Arguments->D;

        /// <summary>Panels of the same block of values.</summary>
        public readonly float* Values(int group, int key) =>
            Packed + group * PackedSize + (long)KeyBlockCount * BlockKeys * Arguments->D + (long)key * ValueWidth;
    }
}
