using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// A product [M, K] × [K, N] in float32 whose operands come, and whose result goes, through three functions: they see
/// the matrices (of any format, quantised too), the product sees packed panels.
/// </summary>
/// <remarks>
/// A is packed first. A task takes some 64 to 320 columns and walks over blocks of 256 steps of k, whose panels of A (512 KB of 512
/// rows) stay in the second-level cache: it packs 64 columns of the block (64 KB), and a panel of them (32 KB) stays in the
/// first-level cache while all panels of A pass by, asked for ahead. On Zen 5 with AVX-512, 512 rows of bfloat16: with two threads
/// 78 to 87 % of the multiply-add limit (best of many; the median, on a shared host, 72 to 83 %), with one thread 2 % more. Packing
/// A and B takes 3 % of the time each, storing 2 %; the tile alone, its panels from the third-level cache, reaches 91 to 97 %.
/// </remarks>
internal unsafe struct PackedProduct
{
    /// <summary>Columns of B that are packed at a time; a multiple of every tile's width.</summary>
    private const int BlockColumns = 64;

    /// <summary>Columns of a task, at most, and what they are a multiple of; tasks that every thread gets, at least.</summary>
    private const int MostColumns = 320, ColumnStep = 32, LeastRounds = 4;

    /// <summary>Rows of A that are packed at a time.</summary>
    private const int ChunkRows = 512;

    /// <summary>Steps of k whose panels are used while they lie in the cache.</summary>
    private const int BlockK = 256;

    /// <summary>
    /// Blocks of k for which A is packed at a time: the panels of more would come from memory. Sums are kept from span to span.
    /// </summary>
    private const int SpanBlocks = 20;

    /// <summary>
    /// Rows of a task where columns are few, and how many tasks are not few: the rows are shared out too, and every part packs
    /// its panels of B for itself.
    /// </summary>
    private const int PartRows = 128, ManyTasks = 8;

    /// <summary>Up to so many threads, each packs A for itself: what another core has written is slow to read.</summary>
    private const int FewThreads = 4;

    /// <summary>Panels of A that one task packs where threads are many.</summary>
    private const int PackedAtOnce = 8;

    private static long s_spanCount;
    [ThreadStatic] private static long s_packedSpan;

    public int M, N, K;

    /// <summary>What the functions below get as first argument.</summary>
    public void* Context;

    /// <summary>(context, first row, rows, first k, number of k, panels of A).</summary>
    public delegate*<void*, int, int, int, int, float*, void> PackA;

    /// <summary>(context, first column, columns, first k, number of k, panels of B).</summary>
    public delegate*<void*, int, int, int, int, float*, void> PackB;

    /// <summary>(context, row, first column, columns, values).</summary>
    public delegate*<void*, int, int, int, float*, void> Store;

    public readonly void Run<L, V>()
        where L : struct, ISimd<V>
        where V : struct
    {
        int nBlocksK = Math.Max(1, (K + BlockK - 1) / BlockK);
        int width = TaskColumns(), nTasks = (N + width - 1) / width;
        for (int row = 0; row < M; row += ChunkRows)
        {
            int nRows = Math.Min(ChunkRows, M - row);
            int nPanels = (nRows + Tile<L, V>.Rows - 1) / Tile<L, V>.Rows;
            int nParts = nTasks >= ManyTasks ? 1 : (nRows + PartRows - 1) / PartRows;
            var chunk = new Chunk
            {
                Product = this,
                FirstRow = row,
                RowCount = nRows,
                TaskColumns = width,
                PanelCount = nPanels,
                BlockK = ((K + nBlocksK - 1) / nBlocksK + 31) / 32 * 32,
                PanelsPerPart = (nPanels + nParts - 1) / nParts,
                PartCount = nParts,
            };
            if (nBlocksK > SpanBlocks)
                chunk.Sums = KernelScratch.Floats(KernelScratch.Use.Sums, nTasks * chunk.SumFloats<L, V>(nPanels));
            do
            {
                chunk.FirstK = chunk.EndK;
                chunk.EndK = Math.Min(K, chunk.FirstK + SpanBlocks * chunk.BlockK);
                RunSpan<L, V>(&chunk, nTasks * nParts);
            }
            while (chunk.EndK < K);
        }
    }

    private static void RunSpan<L, V>(Chunk* chunk, int nTasks)
        where L : struct, ISimd<V>
        where V : struct
    {
        chunk->Number = Interlocked.Increment(ref s_spanCount);
        if (WorkerPool.ThreadCount > FewThreads)
        {
            chunk->PanelsA = KernelScratch.Floats(KernelScratch.Use.PanelsA, chunk->PanelFloats<L, V>());
            WorkerPool.Run((chunk->PanelCount + PackedAtOnce - 1) / PackedAtOnce, &PackTask<L, V>, chunk);
        }

        WorkerPool.Run(nTasks, &MultiplyTask<L, V>, chunk);
    }

    private static void PackTask<L, V>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
    {
        ref Chunk chunk = ref *(Chunk*)context;
        int panel = task * PackedAtOnce;
        Pack<L, V>(chunk, panel, Math.Min(panel + PackedAtOnce, chunk.PanelCount));
    }

    private static void Pack<L, V>(in Chunk chunk, int panel, int endPanel)
        where L : struct, ISimd<V>
        where V : struct
    {
        for (; panel < endPanel; panel++)
        {
            int row = panel * Tile<L, V>.Rows, nRows = Math.Min(Tile<L, V>.Rows, chunk.RowCount - row);
            for (int k = chunk.FirstK; k < chunk.EndK; k += chunk.BlockK)
            {
                int nK = Math.Min(chunk.BlockK, chunk.EndK - k);
                chunk.Product.PackA(
                    chunk.Product.Context, chunk.FirstRow + row, nRows, k, nK, chunk.PanelA<L, V>(panel, k, nK));
            }
        }
    }

    /// <summary>The chunk with its panels of A: everybody's, or those of this thread, packed at its first task.</summary>
    private static Chunk WithPanels<L, V>(in Chunk shared)
        where L : struct, ISimd<V>
        where V : struct
    {
        Chunk chunk = shared;
        if (chunk.PanelsA is not null)
            return chunk;
        chunk.PanelsA = KernelScratch.Floats(KernelScratch.Use.PanelsA, chunk.PanelFloats<L, V>());
        if (s_packedSpan != chunk.Number)
            Pack<L, V>(chunk, 0, chunk.PanelCount);
        s_packedSpan = chunk.Number;
        return chunk;
    }

    private static void MultiplyTask<L, V>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
    {
        Chunk chunk = WithPanels<L, V>(*(Chunk*)context);
        ref PackedProduct product = ref chunk.Product;
        int rows = Tile<L, V>.Rows, columns = Tile<L, V>.Columns;
        int width = chunk.TaskColumns;
        int column = task / chunk.PartCount * width, nColumns = Math.Min(width, product.N - column);
        int firstPanel = task % chunk.PartCount * chunk.PanelsPerPart;
        int endPanel = Math.Min(firstPanel + chunk.PanelsPerPart, chunk.PanelCount);
        float* panelsB = KernelScratch.Floats(KernelScratch.Use.PanelsB, (long)BlockColumns * chunk.BlockK);
        float* sums = chunk.Sums is null
            ? KernelScratch.Floats(KernelScratch.Use.Tile, chunk.SumFloats<L, V>(endPanel - firstPanel))
            : chunk.Sums + task / chunk.PartCount * chunk.SumFloats<L, V>(chunk.PanelCount)
                + chunk.SumFloats<L, V>(firstPanel);
        if (product.K == 0)
            new Span<float>(sums, (endPanel - firstPanel) * rows * width).Clear();
        for (int k = chunk.FirstK; k < chunk.EndK; k += chunk.BlockK)
        {
            int nK = Math.Min(chunk.BlockK, chunk.EndK - k);
            for (int j = 0; j < nColumns; j += columns)
            {
                if (j % BlockColumns == 0)
                    product.PackB(product.Context, column + j, Math.Min(BlockColumns, nColumns - j), k, nK, panelsB);
                float* panelB = panelsB + (long)(j % BlockColumns) * nK;
                for (int panel = firstPanel; panel < endPanel; panel++)
                {
                    Tile<L, V>.Multiply(
                        nK, chunk.PanelA<L, V>(panel, k, nK), panelB, sums + (long)(panel - firstPanel) * rows * width + j, width,
                        accumulate: k > 0);
                }
            }
        }

        if (chunk.EndK < product.K)
            return;
        int firstRow = firstPanel * rows, endRow = Math.Min(endPanel * rows, chunk.RowCount);
        for (int row = firstRow; row < endRow; row++)
        {
            product.Store(
                product.Context, chunk.FirstRow + row, column, nColumns, sums + (long)(row - firstRow) * width);
        }
    }

    /// <summary>The widest task of which every thread gets the same number, and enough of them.</summary>
    private readonly int TaskColumns()
    {
        int best = BlockColumns, shortest = int.MaxValue;
        for (int width = MostColumns; width >= BlockColumns; width -= ColumnStep)
        {
            int nTasks = (N + width - 1) / width, nRounds = (nTasks + WorkerPool.ThreadCount - 1) / WorkerPool.ThreadCount;
            if (nRounds >= LeastRounds && nRounds * width < shortest)
                (best, shortest) = (width, nRounds * width);
        }

        return best;
    }

    /// <summary>
    /// Up to <see cref="ChunkRows"/> rows of A, a span of k packed: <c>[block of k][panel][k][row of the panel]</c>.
    /// </summary>
    private struct Chunk
    {
        public PackedProduct Product;
        public long Number;
        public int FirstRow, RowCount, TaskColumns, PanelCount, FirstK, EndK, BlockK, PanelsPerPart, PartCount;

        /// <summary>Null where each thread has its own.</summary>
        public float* PanelsA;

        /// <summary><c>[task][row][column]</c>; null where one span is all.</summary>
        public float* Sums;

        public readonly long PanelFloats<L, V>()
            where L : struct, ISimd<V>
            where V : struct => (long)PanelCount * Tile<L, V>.Rows * Math.Max(EndK - FirstK, 1);

        /// <summary>Sums of a task over so many panels.</summary>
        public readonly long SumFloats<L, V>(int nPanels)
            where L : struct, ISimd<V>
            where V : struct => (long)nPanels * Tile<L, V>.Rows * TaskColumns;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly float* PanelA<L, V>(int panel, int k, int nK)
            where L : struct, ISimd<V>
            where V : struct =>
            PanelsA + ((long)(k - FirstK) * PanelCount + (long)panel * nK) * Tile<L, V>.Rows;
    }
}
