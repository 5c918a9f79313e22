using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

// A short M: each result row is a sum of B's rows, which are read once, a block at a time.
internal static unsafe partial class ThinProduct
{
    /// <summary>
    /// Columns of a task, and rows of B that are read for all rows of the result while they lie in the cache.
    /// </summary>
    private const int SumColumns = 128, SumRows = 64;

    private readonly struct SumKernel : IThinKernel
    {
        public static void Run<L, V, F>(Arguments arguments)
            where L : struct, ISimd<V>
            where V : struct
            where F : struct, IFloatFormat
        {
            ref readonly MatMulArguments product = ref arguments.Product;
            arguments.RowA = RoundUp(product.M, Together);
            arguments.PackedA = KernelScratch.Floats(KernelScratch.Use.Input, (long)product.K * arguments.RowA);
            Pack(
                product.A, arguments.AType, product.AColumn, product.ARow, product.K, product.M, arguments.PackedA,
                arguments.RowA);
            WorkerPool.Run((product.N + SumColumns - 1) / SumColumns, &SumTask<L, V, F>, &arguments);
        }
    }

    private static void SumTask<L, V, F>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref readonly Arguments arguments = ref *(Arguments*)context;
        ref readonly MatMulArguments product = ref arguments.Product;
        int column = task * SumColumns, nColumns = Math.Min(SumColumns, product.N - column);
        float* sums = stackalloc float[Short * SumColumns];
        new Span<float>(sums, Short * SumColumns).Clear();
        for (int k = 0; k < product.K; k += SumRows)
        {
            int nK = Math.Min(SumRows, product.K - k);
            float* a = arguments.PackedA + (long)k * arguments.RowA;
            void* b = (byte*)product.B + (k * product.BRow + column) * F.Size;
            for (int row = 0; row < product.M; row += Together)
            {
                float* to = sums + row * SumColumns;
                int j = 0;
                for (; j <= nColumns - 2 * L.Count; j += 2 * L.Count)
                    Sum<L, V, F>(nK, a + row, arguments.RowA, b, product.BRow, j, L.Count, to + j);
                for (; j < nColumns; j++)
                    Sum<SimdScalar, float, F>(nK, a + row, arguments.RowA, b, product.BRow, j, 0, to + j);
            }
        }

        for (int row = 0; row < product.M; row++)
            Store(product, row, column, nColumns, sums + row * SumColumns);
    }

    /// <summary>
    /// Adds <paramref name="nK"/> rows of b, two vectors of each, to four rows of sums; the second vector begins
    /// <paramref name="second"/> elements behind the first (0: it is the same). The next block of rows is asked for.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum<L, V, F>(
        int nK, float* a, int aRow, void* b, long bRow, int column, int second, float* sums)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        float* sums1 = sums + SumColumns, sums2 = sums1 + SumColumns, sums3 = sums2 + SumColumns;
        V c00 = L.Load(sums), c01 = L.Load(sums + second), c10 = L.Load(sums1), c11 = L.Load(sums1 + second);
        V c20 = L.Load(sums2), c21 = L.Load(sums2 + second), c30 = L.Load(sums3), c31 = L.Load(sums3 + second);
        long at = column;
        for (int k = 0; k < nK; k++, a += aRow, at += bRow)
        {
            Prefetch((byte*)b + (at + SumRows * bRow) * F.Size);
            V b0 = F.Load<L, V>(b, at), b1 = F.Load<L, V>(b, at + second), x = L.Create(a[0]);
            c00 = L.MultiplyAdd(x, b0, c00);
            c01 = L.MultiplyAdd(x, b1, c01);
            x = L.Create(a[1]);
            c10 = L.MultiplyAdd(x, b0, c10);
            c11 = L.MultiplyAdd(x, b1, c11);
            x = L.Create(a[2]);
            c20 = L.MultiplyAdd(x, b0, c20);
            c21 = L.MultiplyAdd(x, b1, c21);
            x = L.Create(a[3]);
            c30 = L.MultiplyAdd(x, b0, c30);
            c31 = L.MultiplyAdd(x, b1, c31);
        }

        L.Store(c00, sums);
        L.Store(c01, sums + second);
        L.Store(c10, sums1);
        L.Store(c11, sums1 + second);
        L.Store(c20, sums2);
        L.Store(c21, sums2 + second);
        L.Store(c30, sums3);
        L.Store(c31, sums3 + second);
    }
}
