using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

// A block of query rows against all keys that it sees. Scores lie as panels of B, [panel of keys][row][key], so that
// Pᵀ·g and dSᵀ·q take them as they are: they are made as dvᵀ = gᵀ·P and dkᵀ = qᵀ·dS. Only dqᵀ = kᵀ·dSᵀ needs dS turned.
internal static unsafe partial class AttentionKernels
{
    private static void PartTask<L, V, F>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref GradientJob job = ref *(GradientJob*)context;
        int local = task / job.PartCount, part = task % job.PartCount;
        new Span<byte>(job.SumsOfK(local, part, 0), checked((int)(job.SumsSize * sizeof(float)))).Clear();

        // Every part gets early and late blocks: under a causal mask the late ones see more keys.
        for (int block = part; block < job.QueryBlockCount; block += job.PartCount)
            Block<L, V, F>(ref job, local, part, block * GradientRows);
    }

    private static void Block<L, V, F>(ref GradientJob job, int local, int part, int firstRow)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref AttentionGradientArguments all = ref *job.Arguments;
        ref AttentionArguments a = ref all.Forward;
        int b = (job.FirstGroup + local) / a.G, g = (job.FirstGroup + local) % a.G, perGroup = a.HeadsPerGroup;
        int nRows = Math.Min(GradientRows, perGroup * a.Lq - firstRow);
        int tileRows = Tile<L, V>.Rows, columns = Tile<L, V>.Columns;
        int endKey = a.Lk;
        if (a.MaskKind == AttentionMask.Causal && a.Lk >= a.Lq)
            endKey = Math.Min(endKey, (firstRow + nRows - 1) / perGroup + (a.Lk - a.Lq) + 1);
        int nPanels = (endKey + columns - 1) / columns;
        long panelSize = (long)GradientRows * columns;

        float* queries = KernelScratch.Floats(
            KernelScratch.Use.PanelsA, (long)GradientRows * (a.D + a.Dv + job.QueryHeight + job.ValueHeight));
        float* cotangents = queries + GradientRows * a.D, turnedQueries = cotangents + GradientRows * a.Dv;
        float* turnedCotangents = turnedQueries + GradientRows * job.QueryHeight;
        float* rows = KernelScratch.Floats(KernelScratch.Use.Input, (long)GradientRows * Math.Max(a.D, a.Dv));
        float* weights = KernelScratch.Floats(KernelScratch.Use.Scores, nPanels * panelSize);
        float* spread = KernelScratch.Floats(KernelScratch.Use.Extra, nPanels * panelSize);

        // row r of a group is head r % HeadsPerGroup of query r / HeadsPerGroup, as in the forward pass
        for (int row = 0; row < nRows; row++)
        {
            int h = g * perGroup + (firstRow + row) % perGroup, i = (firstRow + row) / perGroup;
            byte* query = (byte*)a.Q + (b * a.QBatch + h * a.QHead + i * a.QRow) * F.Size;
            LoadScaled<L, V, F>(query, a.D, a.Scale, rows + row * a.D);
        }

        PackedPanels.Pack<L, V, Float32Format>(rows, a.D, 1, nRows, a.D, tileRows, queries);
        PackedPanels.Pack<L, V, Float32Format>(rows, 1, a.D, a.D, nRows, tileRows, turnedQueries);
        for (int row = 0; row < nRows; row++)
        {
            int h = g * perGroup + (firstRow + row) % perGroup, i = (firstRow + row) / perGroup;
            byte* cotangent = (byte*)all.Cotangent
                + (b * all.CotangentBatch + h * all.CotangentHead + i * all.CotangentRow) * F.Size;
            LoadScaled<L, V, F>(cotangent, a.Dv, 1, rows + row * a.Dv);
        }

        PackedPanels.Pack<L, V, Float32Format>(rows, a.Dv, 1, nRows, a.Dv, tileRows, cotangents);
        PackedPanels.Pack<L, V, Float32Format>(rows, 1, a.Dv, a.Dv, nRows, tileRows, turnedCotangents);
        for (int panel = 0; panel < nPanels; panel++)
        {
            float* keys = job.Keys(local, panel * columns), values = job.Values(local, panel * columns);
            for (int row = 0; row < nRows; row += tileRows)
            {
                long at = panel * panelSize + (long)row * columns;
                Tile<L, V>.Multiply(a.D, queries + row * a.D, keys, weights + at, columns, accumulate: false);
                Tile<L, V>.Multiply(a.Dv, cotangents + row * a.Dv, values, spread + at, columns, accumulate: false);
            }
        }

        for (int row = 0; row < nRows; row++)
        {
            int h = g * perGroup + (firstRow + row) % perGroup, i = (firstRow + row) / perGroup;
            SpreadRow<L, V, F>(a, b, h, i, nPanels, panelSize, weights + row * columns, spread + row * columns);
        }

        for (int panel = 0; panel < nPanels; panel++)
        {
            long at = panel * panelSize;
            float* ofK = job.SumsOfK(local, part, panel * columns), ofV = job.SumsOfV(local, part, panel * columns);
            for (int d = 0; d < job.QueryHeight && all.OfK is not null; d += tileRows)
                Tile<L, V>.Multiply(nRows, turnedQueries + d * nRows, spread + at, ofK + d * columns, columns, accumulate: true);
            for (int d = 0; d < job.ValueHeight && all.OfV is not null; d += tileRows)
                Tile<L, V>.Multiply(nRows, turnedCotangents + d * nRows, weights + at, ofV + d * columns, columns, accumulate: true);
        }

        if (all.OfQ is null)
            return;
        float* ofQ = KernelScratch.Floats(KernelScratch.Use.Tile, (long)GradientRows * job.QueryHeight);
        new Span<float>(ofQ, GradientRows * job.QueryHeight).Clear();
        for (int key = 0; key < endKey; key += BlockKeys)
            AddToQueries<L, V>(ref job, local, key, Math.Min(BlockKeys, endKey - key), nRows, spread, ofQ);
        for (int row = 0; row < nRows; row++)
        {
            int h = g * perGroup + (firstRow + row) % perGroup, i = (firstRow + row) / perGroup;
            byte* to = (byte*)all.OfQ + (((long)b * a.H + h) * a.Lq + i) * a.D * F.Size;
            float* from = ofQ + (row / columns * job.QueryHeight * columns) + row % columns;
            for (int d = 0; d < a.D; d++)
                rows[d] = from[d * columns];
            StoreScaled<L, V, F>(rows, a.D, a.Scale, to);
        }
    }

    // dqᵀ += kᵀ·dSᵀ over a block of keys; dqᵀ is [panel of query rows][d][row]
    private static void AddToQueries<L, V>(
        ref GradientJob job, int local, int key, int nKeys, int nRows, float* spread, float* ofQ)
        where L : struct, ISimd<V>
        where V : struct
    {
        int tileRows = Tile<L, V>.Rows, columns = Tile<L, V>.Columns;
        float* turned = KernelScratch.Floats(KernelScratch.Use.PanelsB, (long)GradientRows * BlockKeys);
        float* keys = job.TurnedKeys(local, key);
        int nPacked = Math.Min(BlockKeys, job.Arguments->Forward.Lk - key);     // k steps of the packed keys
        for (int row = 0; row < nRows; row += columns)
        {
            float* rowsTurned = turned + row * nKeys;
            for (int j = 0; j < nKeys; j += columns)
            {
                float* from = spread + (long)(key + j) * GradientRows + row * columns;
                PackedPanels.Pack<L, V, Float32Format>(
                    from, columns, 1, Math.Min(columns, nRows - row), Math.Min(columns, nKeys - j), columns,
                    rowsTurned + j * columns);
            }

            for (int d = 0; d < job.QueryHeight; d += tileRows)
            {
                Tile<L, V>.Multiply(
                    nKeys, keys + d * nPacked, rowsTurned, ofQ + row * job.QueryHeight + d * columns, columns,
                    accumulate: true);
            }
        }
    }

    /// <summary>
    /// P in place of the scores of one row, and P · (dP − Σ P · dP) in place of dP, both <paramref name="step"/> floats
    /// from panel to panel. What a mask hides sends nothing back, not even in a row that sees nothing.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SpreadRow<L, V, F>(
        in AttentionArguments a, int b, int h, int i, int nPanels, long step, float* scores, float* pulls)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        int columns = Tile<L, V>.Columns;
        V highest = L.Create(float.NegativeInfinity);
        for (int panel = 0; panel < nPanels; panel++)
        {
            float* score = scores + panel * step;
            int nKeys = Math.Min(columns, a.Lk - panel * columns);
            MaskRow<F>(a, b, h, i, panel * columns, nKeys, score);
            new Span<float>(score + nKeys, columns - nKeys).Fill(float.NegativeInfinity);
            for (int j = 0; j < columns; j += L.Count)
                highest = L.Max(highest, L.Load(score + j));
        }

        float largest = L.Largest(highest);
        bool seesNothing = largest == Hidden && a.MaskKind is AttentionMask.Causal or AttentionMask.Boolean;
        if (a.Sinks is not null)
            largest = MathF.Max(largest, a.Sinks[h]);
        V sum = default, dot = default, subtrahend = L.Create(largest);
        for (int panel = 0; panel < nPanels; panel++)
        {
            float* score = scores + panel * step, pull = pulls + panel * step;
            for (int j = 0; j < columns; j += L.Count)
            {
                V value = L.Exp(L.Subtract(L.Load(score + j), subtrahend));
                L.Store(value, score + j);
                sum = L.Add(sum, value);
                dot = L.MultiplyAdd(value, L.Load(pull + j), dot);
            }
        }

        float total = L.Sum(sum) + (a.Sinks is null ? 0 : MathF.Exp(a.Sinks[h] - largest));
        V factor = L.Create(1 / total), expected = L.Create(L.Sum(dot) / total);
        for (int panel = 0; panel < nPanels; panel++)
        {
            float* score = scores + panel * step, pull = pulls + panel * step;
            for (int j = 0; j < columns; j += L.Count)
            {
                V weight = L.Multiply(L.Load(score + j), factor);
                L.Store(weight, score + j);
                L.Store(L.Multiply(weight, L.Subtract(L.Load(pull + j), expected)), pull + j);
            }

            if (seesNothing)
                new Span<float>(pull, columns).Clear();
        }
    }

    /// <summary>to := from · factor in float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LoadScaled<L, V, F>(byte* from, int n, float factor, float* to)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        V factors = L.Create(factor);
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
            L.Store(L.Multiply(F.Load<L, V>(from, i), factors), to + i);
        for (; i < n; i++)
            to[i] = F.Load<SimdScalar, float>(from, i) * factor;
    }

    /// <summary>to += from; the number of floats is a multiple of every vector's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTo<L, V>(float* to, float* from, int n)
        where L : struct, ISimd<V>
        where V : struct
    {
        for (int i = 0; i < n; i += L.Count)
            L.Store(L.Add(L.Load(to + i), L.Load(from + i)), to + i);
    }

    // From [panel of keys][d][key] to rows of n elements, a row a key.
    private static void StoreTurned<L, V, F>(float* sums, int height, int nKeys, int n, byte* to)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        int columns = Tile<L, V>.Columns;
        float* row = KernelScratch.Floats(KernelScratch.Use.Input, n);
        for (int key = 0; key < nKeys; key++)
        {
            float* from = sums + (key / columns * height * columns) + key % columns;
            for (int d = 0; d < n; d++)
                row[d] = from[d * columns];
            StoreScaled<L, V, F>(row, n, 1, to + (long)key * n * F.Size);
        }
    }
}
