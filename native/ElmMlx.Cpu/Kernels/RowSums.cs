using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Weighted sums of many rows, for a few sets of weights: a block of four sets × two vectors of columns stays in registers while all
/// rows pass, so that each number of a row is widened once for four sums.
/// </summary>
internal static unsafe class RowSums<L, V, F>
    where L : struct, ISimd<V>
    where V : struct
    where F : struct, IFloatFormat
{
    private static int BlockColumns => 2 * L.Count;

    /// <summary>
    /// results := weights [m, count] · rows [count, n]; the rows lie <paramref name="step"/> bytes apart, weights and results so
    /// many floats.
    /// </summary>
    public static void Run(
        float* weights, int weightsRow, int m, byte* rows, long step, int count, int n, float* results, int resultsRow)
    {
        int set = 0;
        for (; set <= m - 4; set += 4, weights += 4L * weightsRow, results += 4L * resultsRow)
        {
            int column = 0;
            for (; column <= n - BlockColumns; column += BlockColumns)
                Four(weights, weightsRow, rows + (long)column * F.Size, step, count, results + column, resultsRow);
            for (int i = 0; i < 4 && column < n; i++)
                One(weights + (long)i * weightsRow, rows + (long)column * F.Size, step, count, n - column, results + (long)i * resultsRow + column);
        }

        for (; set < m; set++, weights += weightsRow, results += resultsRow)
            One(weights, rows, step, count, n, results);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(float* weights, int weightsRow, byte* rows, long step, int count, float* results, int resultsRow)
    {
        float* w1 = weights + weightsRow, w2 = w1 + weightsRow, w3 = w2 + weightsRow;
        V a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
        for (int i = 0; i < count; i++, rows += step)
        {
            V left = F.Load<L, V>(rows, 0), right = F.Load<L, V>(rows, L.Count), weight = L.Create(weights[i]);
            a0 = L.MultiplyAdd(weight, left, a0);
            a1 = L.MultiplyAdd(weight, right, a1);
            weight = L.Create(w1[i]);
            b0 = L.MultiplyAdd(weight, left, b0);
            b1 = L.MultiplyAdd(weight, right, b1);
            weight = L.Create(w2[i]);
            c0 = L.MultiplyAdd(weight, left, c0);
            c1 = L.MultiplyAdd(weight, right, c1);
            weight = L.Create(w3[i]);
            d0 = L.MultiplyAdd(weight, left, d0);
            d1 = L.MultiplyAdd(weight, right, d1);
        }

        Store(a0, a1, results);
        Store(b0, b1, results + resultsRow);
        Store(c0, c1, results + 2L * resultsRow);
        Store(d0, d1, results + 3L * resultsRow);
    }

    private static void One(float* weights, byte* rows, long step, int count, int n, float* results)
    {
        new Span<float>(results, n).Clear();
        int i = 0;
        for (; i <= count - 4; i += 4)
            MatVecKernels.AddRows4<L, V, F>(weights + i, rows + i * step, step, n, results);
        for (; i < count; i++)
            MatVecKernels.AddRow<L, V, F>(weights[i], rows + i * step, n, results);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(V left, V right, float* to)
    {
        L.Store(left, to);
        L.Store(right, to + L.Count);
    }
}
