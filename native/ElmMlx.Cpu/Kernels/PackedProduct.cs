using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// A product [M, K] × [K, N] in float32 whose operands come, and whose result goes, through three functions: they see
/// the matrices (of any format, quantised too), the product sees packed panels.
/// </summary>
internal unsafe struct PackedProduct
{
    /// <summary>Columns of a task; a multiple of every tile's width.</summary>
    private const int BlockColumns = 96;

    /// <summary>Rows of A that are packed at a time.</summary>
    private const int ChunkRows = 512;

    /// <summary>Steps of k whose panels are used while they lie in the cache.</summary>
    private const int BlockK = 384;

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
        int blockK = ((K + nBlocksK - 1) / nBlocksK + 3) / 4 * 4;
        for (int row = 0; row < M; row += ChunkRows)
        {
            int nRows = Math.Min(ChunkRows, M - row);
            int nPanels = (nRows + Tile<L, V>.Rows - 1) / Tile<L, V>.Rows;
            int nBlocks = (N + BlockColumns - 1) / BlockColumns;
            // Few columns: the rows are shared out too, and every part packs its panels of B for itself.
            int panelsPerPart = nBlocks >= 8 ? nPanels : Math.Min(nPanels, 128 / Tile<L, V>.Rows);
            int nParts = (nPanels + panelsPerPart - 1) / panelsPerPart;
            var chunk = new Chunk
            {
                Product = this,
                FirstRow = row,
                RowCount = nRows,
                PanelCount = nPanels,
                BlockK = blockK,
                PanelsPerPart = panelsPerPart,
                PartCount = nParts,
                PanelsA = KernelScratch.Floats(
                    KernelScratch.Use.PanelsA, (long)nPanels * Tile<L, V>.Rows * Math.Max(K, 1)),
            };
            WorkerPool.Run((nPanels + PackedAtOnce - 1) / PackedAtOnce, &PackTask<L, V>, &chunk);
            WorkerPool.Run(nBlocks * nParts, &MultiplyTask<L, V>, &chunk);
        }
    }

    /// <summary>Panels of A that one task packs.</summary>
    private const int PackedAtOnce = 8;

    private static void PackTask<L, V>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
    {
        ref Chunk chunk = ref *(Chunk*)context;
        ref PackedProduct product = ref chunk.Product;
        int panel = task * PackedAtOnce, row = panel * Tile<L, V>.Rows;
        int nRows = Math.Min(PackedAtOnce * Tile<L, V>.Rows, chunk.RowCount - row);
        for (int k = 0; k < product.K; k += chunk.BlockK)
        {
            int nK = Math.Min(chunk.BlockK, product.K - k);
            product.PackA(product.Context, chunk.FirstRow + row, nRows, k, nK, chunk.PanelA<L, V>(panel, k, nK));
        }
    }

    private static void MultiplyTask<L, V>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
    {
        ref Chunk chunk = ref *(Chunk*)context;
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
            for (int panel = firstPanel; panel < endPanel; panel++)
            {
                float* a = chunk.PanelA<L, V>(panel, k, nK);
                float* c = tile + (long)(panel - firstPanel) * rows * BlockColumns;
                for (int j = 0; j < nColumns; j += columns)
                    Tile<L, V>.Multiply(nK, a, panelsB + (long)j * nK, c + j, BlockColumns, accumulate: k > 0);
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
        public int FirstRow, RowCount, PanelCount, BlockK, PanelsPerPart, PartCount;
        public float* PanelsA;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly float* PanelA<L, V>(int panel, int k, int nK)
            where L : struct, ISimd<V>
            where V : struct =>
            PanelsA + ((long)k * PanelCount + (long)panel * nK) * Tile<L, V>.Rows;
    }
}
