using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Reduces <typeparamref name="TIn"/> in <typeparamref name="TSum"/>: half precision in float32, small integers in 32
/// bits. How elements are grouped depends on shapes only, never on threads.
/// </summary>
internal static unsafe class ReduceDriver<TFormula, TIn, TSum>
    where TFormula : struct, IBinary<TSum>
    where TIn : unmanaged
    where TSum : unmanaged
{
    private const int Piece = 1 << 15;      // elements folded by one task

    public static void Run(ReducePlan plan, TIn* x, void* y, mlx_dtype type, TSum start)
    {
        if (plan.OutputCount == 0)
            return;
        if (plan.ReducedCount == 0)
        {
            for (long i = 0; i < plan.OutputCount; i++)
                Store(&start, y, i, 1, type);
        }
        else if (plan.IsByColumns)
        {
            Columns(plan, x, y, type, start);
        }
        else if (plan.OutputCount == 1 && plan.GoneShape.Length == 1 && plan.ReducedCount > Piece)
        {
            One(plan, x, y, type, start);
        }
        else
        {
            Rows(plan, x, y, type, start);
        }
    }

    // One result of a long run: pieces of it side by side, then the pieces' results in order.
    private static void One(ReducePlan plan, TIn* x, void* y, mlx_dtype type, TSum start)
    {
        int nPieces = (int)((plan.ReducedCount + Piece - 1) / Piece);
        var results = new TSum[nPieces];
        long stride = plan.GoneStrides[0], size = plan.ReducedCount;
        WorkerPool.Run(nPieces, piece =>
        {
            long first = (long)piece * Piece;
            results[piece] = Fold(x + first * stride, stride, (int)Math.Min(Piece, size - first), start);
        });
        fixed (TSum* pieces = results)
        {
            TSum result = FoldDriver<TFormula, TSum>.Run(pieces, nPieces, start);
            Store(&result, y, 0, 1, type);
        }
    }

    private static void Rows(ReducePlan plan, TIn* x, void* y, mlx_dtype type, TSum start)
    {
        long perTask = Math.Max(1, Piece / plan.ReducedCount);
        int nTasks = (int)((plan.OutputCount + perTask - 1) / perTask);
        if (nTasks == 1)
            Rows(plan, x, y, type, start, 0, plan.OutputCount);
        else
            ParallelRows(plan, x, y, type, start, perTask, nTasks);
    }

    private static void ParallelRows(
        ReducePlan plan, TIn* x, void* y, mlx_dtype type, TSum start, long perTask, int nTasks) =>
        WorkerPool.Run(nTasks, task => Rows(
            plan, x, y, type, start, task * perTask, Math.Min((task + 1) * perTask, plan.OutputCount)));

    private static void Rows(ReducePlan plan, TIn* x, void* y, mlx_dtype type, TSum start, long first, long end)
    {
        long length = plan.GoneShape[^1], stride = plan.GoneStrides[^1], nRuns = plan.ReducedCount / length;
        for (long i = first; i < end; i++)
        {
            TIn* element = x + plan.KeptOffset(i);
            TSum result = start;
            for (long run = 0; run < nRuns; run++)
            {
                TIn* from = element + plan.RunOffset(run);
                for (long at = 0; at < length; at += Piece)
                    result = Fold(from + at * stride, stride, (int)Math.Min(Piece, length - at), result);
            }

            Store(&result, y, i, 1, type);
        }
    }

    private static void Columns(ReducePlan plan, TIn* x, void* y, mlx_dtype type, TSum start)
    {
        long width = plan.KeptShape[^1], nBlocks = (width + Tiles.Length - 1) / Tiles.Length;
        long nOuter = plan.OutputCount / width;
        long perTask = Math.Max(1, Piece / Math.Max(1, plan.ReducedCount * Math.Min(width, Tiles.Length)));
        long total = nOuter * nBlocks;
        WorkerPool.Run((int)((total + perTask - 1) / perTask), task =>
        {
            TSum* sums = stackalloc TSum[Tiles.Length], tile = stackalloc TSum[Tiles.Length];
            for (long block = task * perTask; block < Math.Min((task + 1) * perTask, total); block++)
            {
                long column = block % nBlocks * Tiles.Length, output = block / nBlocks * width + column;
                int n = (int)Math.Min(Tiles.Length, width - column);
                new Span<TSum>(sums, n).Fill(start);
                TIn* element = x + plan.KeptOffset(output);
                long length = plan.GoneShape[^1], nRuns = plan.ReducedCount / length;
                for (long run = 0; run < nRuns; run++)
                {
                    TIn* from = element + plan.RunOffset(run);
                    for (long k = 0; k < length; k++)
                    {
                        TSum* row = Load(from + k * plan.GoneStrides[^1], 1, tile, n);
                        BinaryDriver<TFormula, TSum>.Run(sums, 1, row, 1, sums, n);
                    }
                }

                Store(sums, y, output, n, type);
            }
        });
    }

    private static TSum Fold(TIn* x, long stride, int n, TSum result)
    {
        if (typeof(TIn) == typeof(TSum) && stride == 1)
            return FoldDriver<TFormula, TSum>.Run((TSum*)x, n, result);
        TSum* tile = stackalloc TSum[Tiles.Length];
        for (int at = 0; at < n; at += Tiles.Length)
        {
            int length = Math.Min(Tiles.Length, n - at);
            result = FoldDriver<TFormula, TSum>.Run(Load(x + at * stride, stride, tile, length), length, result);
        }

        return result;
    }

    private static TSum* Load(TIn* x, long stride, TSum* tile, int n)
    {
        if (typeof(TIn) == typeof(TSum) && stride == 1)
            return (TSum*)x;
        if (typeof(TSum) == typeof(float) && (typeof(TIn) == typeof(Half) || typeof(TIn) == typeof(BFloat16)))
        {
            Tiles.Widen(x, stride, (float*)tile, n);
            if (stride == 0)
                new Span<TSum>(tile, n).Fill(*tile);
            return tile;
        }

        for (int i = 0; i < n; i++)
            tile[i] = CastKernels.Convert<TIn, TSum>(x[i * stride]);
        return tile;
    }

    private static void Store(TSum* from, void* y, long at, int n, mlx_dtype type)
    {
        if (typeof(TSum) == typeof(float) && type == mlx_dtype.MLX_FLOAT16)
            HalfPrecision.ToFloat16((float*)from, (Half*)y + at, n);
        else if (typeof(TSum) == typeof(float) && type == mlx_dtype.MLX_BFLOAT16)
            HalfPrecision.ToBFloat16((float*)from, (ushort*)y + at, n);
        else
            new Span<TSum>(from, n).CopyTo(new Span<TSum>((TSum*)y + at, n));
    }
}
