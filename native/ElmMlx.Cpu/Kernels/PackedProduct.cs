using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// A product [M, K] × [K, N] in float32 whose operands come, and whose result goes, through three functions: they see
/// the matrices (of any format, quantised too), the product sees packed panels.
/// </summary>
/// <remarks>
/// A task takes 64 columns and walks over blocks of 256 steps of k: it packs that block of its columns (64 KB, in the second-level
/// cache), and a panel of it (32 KB) stays in the first-level cache while all panels of A pass by, asked for ahead. On Zen 5 with
/// AVX-512, 512 rows of bfloat16: 86 to 89 % of the multiply-add limit with one thread, with two 73 to 81 % (median; best 85 %), each
/// on a host that was quiet; on a busy one down to 62 %. Packing B takes 3 % of the time, A 0.5 %, storing 1.5 %, the rest is the tile's.
/// </remarks>
internal unsafe struct PackedProduct
{
    /// <summary>Columns of a task; a multiple of every tile's width.</summary>
    private const int BlockColumns = 64;

    /// <summary>Rows of A that are packed at a time.</summary>
    private const int ChunkRows = 512;

    /// <summary>Steps of k whose panels are used while they lie in the cache.</summary>
    private const int BlockK = 256;

    /// <summary>
    /// Rows of a task where columns are few, and how many tasks are not few: the rows are shared out too, and every part packs
    /// its panels of B for itself.
    /// </summary>
    private const int PartRows = 128, ManyTasks = 8;

    /// <summary>Up to so many threads, each packs A for itself: what another core has written is slow to read.</summary>
    private const int FewThreads = 4;

    /// <summary>Panels of A that one task packs where threads are many.</summary>
    private const int PackedAtOnce = 8;

    private static long s_chunkCount;
    [ThreadStatic] private static long s_packedChunk;

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
        int nBlocks = (N + BlockColumns - 1) / BlockColumns;
        for (int row = 0; row < M; row += ChunkRows)
        {
            int nRows = Math.Min(ChunkRows, M - row);
            int nPanels = (nRows + Tile<L, V>.Rows - 1) / Tile<L, V>.Rows;
            int nParts = nBlocks >= ManyTasks ? 1 : (nRows + PartRows - 1) / PartRows;
            var chunk = new Chunk
            {
                Product = this,
                Number = Interlocked.Increment(ref s_chunkCount),
                FirstRow = row,
                RowCount = nRows,
                PanelCount = nPanels,
                BlockK = ((K + nBlocksK - 1) / nBlocksK + 31) / 32 * 32,
                PanelsPerPart = (nPanels + nParts - 1) / nParts,
                PartCount = nParts,
            };
            if (WorkerPool.ThreadCount > FewThreads)
            {
                chunk.PanelsA = KernelScratch.Floats(KernelScratch.Use.PanelsA, chunk.PanelFloats<L, V>());
                WorkerPool.Run((nPanels + PackedAtOnce - 1) / PackedAtOnce, &PackTask<L, V>, &chunk);
            }

            WorkerPool.Run(nBlocks * nParts, &MultiplyTask<L, V>, &chunk);
        }
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
        int row = panel * Tile<L, V>.Rows, nRows = Math.Min(endPanel * Tile<L, V>.Rows, chunk.RowCount) - row;
        for (int k = 0; k < chunk.Product.K; k += chunk.BlockK)
        {
            int nK = Math.Min(chunk.BlockK, chunk.Product.K - k);
            chunk.Product.PackA(chunk.Product.Context, chunk.FirstRow + row, nRows, k, nK, chunk.PanelA<L, V>(panel, k, nK));
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
        if (s_packedChunk != chunk.Number)
            Pack<L, V>(chunk, 0, chunk.PanelCount);
        s_packedChunk = chunk.Number;
        return chunk;
    }

    private static void MultiplyTask<L, V>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
    {
        Chunk chunk = WithPanels<L, V>(*(Chunk*)context);
        ref PackedProduct product = ref chunk.Product;
        int rows = Tile<L, V>.Rows, columns = Tile<L, V>.Columns;
        int column = task / chunk.PartCount * BlockColumns, nColumns = Math.Min(BlockColumns, product.N - column);
        int firstPanel = task % chunk.PartCount * chunk.PanelsPerPart;
        int endPanel = Math.Min(firstPanel + chunk.PanelsPerPart, chunk.PanelCount);
        float* panelsB = KernelScratch.Floats(KernelScratch.Use.PanelsB, (long)BlockColumns * chunk.BlockK);
        float* tile = KernelScratch.Floats(
            KernelScratch.Use.Tile, (long)(endPanel - firstPanel) * rows * BlockColumns);
        if (product.K == 0)
            new Span<float>(tile, (endPanel - firstPanel) * rows * BlockColumns).Clear();
        for (int k = 0; k < product.K; k += chunk.BlockK)
        {
            int nK = Math.Min(chunk.BlockK, product.K - k);
            product.PackB(product.Context, column, nColumns, k, nK, panelsB);
            for (int j = 0; j < nColumns; j += columns)
            {
                for (int panel = firstPanel; panel < endPanel; panel++)
                {
                    Tile<L, V>.Multiply(
                        nK, chunk.PanelA<L, V>(panel, k, nK), panelsB + (long)j * nK,
                        tile + (long)(panel - firstPanel) * rows * BlockColumns + j, BlockColumns, accumulate: k > 0);
                }
            }
        }

        int firstRow = firstPanel * rows, endRow = Math.Min(endPanel * rows, chunk.RowCount);
        for (int row = firstRow; row < endRow; row++)
        {
            product.Store(
                product.Context, chunk.FirstRow + row, column, nColumns, tile + (long)(row - firstRow) * BlockColumns);
        }
    }

    /// <summary>Up to <see cref="ChunkRows"/> rows of A, packed: <c>[block of k][panel][k][row of the panel]</c>.</summary>
    private struct Chunk
    {
        public PackedProduct Product;
        public long Number;
        public int FirstRow, RowCount, PanelCount, BlockK, PanelsPerPart, PartCount;

        /// <summary>Null where each thread has its own.</summary>
        public float* PanelsA;

        public readonly long PanelFloats<L, V>()
            where L : struct, ISimd<V>
            where V : struct => (long)PanelCount * Tile<L, V>.Rows * Math.Max(Product.K, 1);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly float* PanelA<L, V>(int panel, int k, int nK)
            where L : struct, ISimd<V>
            where V : struct =>
            PanelsA + ((long)k * PanelCount + (long)panel * nK) * Tile<L, V>.Rows;
    }
}
