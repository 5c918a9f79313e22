using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Dot products of a few rows of x with four rows of weights: a block of <see cref="Rows"/> × 4 sums stays in registers, so that each
/// number that is loaded is used several times. The weights come once from memory and, for further rows of x, from the first-level
/// cache.
/// </summary>
internal static unsafe class RowTile<L, V, F>
    where L : struct, ISimd<V>
    where V : struct
    where F : struct, IFloatFormat
{
    /// <summary>Rows of x in a block: sums, weights and x must fit into the registers.</summary>
    private static int Rows => L.HasManyRegisters ? 4 : 2;

    /// <summary>
    /// x [<paramref name="m"/>, n] with the four rows at <paramref name="w0"/>, <paramref name="step"/> bytes apart; what is
    /// <paramref name="prefetch"/> bytes behind them is asked for. Results [m, <paramref name="resultsRow"/>], those of the four
    /// rows <paramref name="apart"/> floats apart.
    /// </summary>
    public static void Dots(
        float* x, int xRow, int m, byte* w0, long step, int n, long prefetch, float* results, int resultsRow, int apart)
    {
        while (m > 0)
        {
            int nRows = m >= Rows ? Rows : m >= 2 ? 2 : 1;
            if (nRows == 4)
                Four(x, xRow, w0, step, n, prefetch, results, resultsRow, apart);
            else if (nRows == 2)
                Two(x, xRow, w0, step, n, prefetch, results, resultsRow, apart);
            else
                MatVecKernels.Dot4<L, V, F>(x, w0, step, n, prefetch, results, apart);
            prefetch = 0;       // the first block has asked for it
            m -= nRows;
            x += (long)nRows * xRow;
            results += (long)nRows * resultsRow;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(
        float* x, int xRow, byte* w0, long step, int n, long prefetch, float* results, int resultsRow, int apart)
    {
        float* x1 = x + xRow, x2 = x1 + xRow, x3 = x2 + xRow;
        byte* w1 = w0 + step, w2 = w1 + step, w3 = w2 + step;
        V a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        V c0 = default, c1 = default, c2 = default, c3 = default, d0 = default, d1 = default, d2 = default, d3 = default;
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
        {
            if (prefetch != 0)
                Prefetch(w0, w1, w2, w3, prefetch + (long)i * F.Size);
            V v0 = F.Load<L, V>(w0, i), v1 = F.Load<L, V>(w1, i), v2 = F.Load<L, V>(w2, i), v3 = F.Load<L, V>(w3, i);
            V value = L.Load(x + i);
            a0 = L.MultiplyAdd(value, v0, a0);
            a1 = L.MultiplyAdd(value, v1, a1);
            a2 = L.MultiplyAdd(value, v2, a2);
            a3 = L.MultiplyAdd(value, v3, a3);
            value = L.Load(x1 + i);
            b0 = L.MultiplyAdd(value, v0, b0);
            b1 = L.MultiplyAdd(value, v1, b1);
            b2 = L.MultiplyAdd(value, v2, b2);
            b3 = L.MultiplyAdd(value, v3, b3);
            value = L.Load(x2 + i);
            c0 = L.MultiplyAdd(value, v0, c0);
            c1 = L.MultiplyAdd(value, v1, c1);
            c2 = L.MultiplyAdd(value, v2, c2);
            c3 = L.MultiplyAdd(value, v3, c3);
            value = L.Load(x3 + i);
            d0 = L.MultiplyAdd(value, v0, d0);
            d1 = L.MultiplyAdd(value, v1, d1);
            d2 = L.MultiplyAdd(value, v2, d2);
            d3 = L.MultiplyAdd(value, v3, d3);
        }

        Finish(x, w0, step, i, n, L.Sums(a0, a1, a2, a3), results, apart);
        Finish(x1, w0, step, i, n, L.Sums(b0, b1, b2, b3), results + resultsRow, apart);
        Finish(x2, w0, step, i, n, L.Sums(c0, c1, c2, c3), results + 2L * resultsRow, apart);
        Finish(x3, w0, step, i, n, L.Sums(d0, d1, d2, d3), results + 3L * resultsRow, apart);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two(
        float* x, int xRow, byte* w0, long step, int n, long prefetch, float* results, int resultsRow, int apart)
    {
        float* x1 = x + xRow;
        byte* w1 = w0 + step, w2 = w1 + step, w3 = w2 + step;
        V a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
        {
            if (prefetch != 0)
                Prefetch(w0, w1, w2, w3, prefetch + (long)i * F.Size);
            V value = L.Load(x + i), other = L.Load(x1 + i), weight = F.Load<L, V>(w0, i);
            a0 = L.MultiplyAdd(value, weight, a0);
            b0 = L.MultiplyAdd(other, weight, b0);
            weight = F.Load<L, V>(w1, i);
            a1 = L.MultiplyAdd(value, weight, a1);
            b1 = L.MultiplyAdd(other, weight, b1);
            weight = F.Load<L, V>(w2, i);
            a2 = L.MultiplyAdd(value, weight, a2);
            b2 = L.MultiplyAdd(other, weight, b2);
            weight = F.Load<L, V>(w3, i);
            a3 = L.MultiplyAdd(value, weight, a3);
            b3 = L.MultiplyAdd(other, weight, b3);
        }

        Finish(x, w0, step, i, n, L.Sums(a0, a1, a2, a3), results, apart);
        Finish(x1, w0, step, i, n, L.Sums(b0, b1, b2, b3), results + resultsRow, apart);
    }

    // Adds the columns from i on, which fill no vector.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(
        float* x, byte* w0, long step, int i, int n, Vector128<float> sums, float* results, int apart)
    {
        if (i == n)
        {
            results[0] = sums[0];
            results[apart] = sums[1];
            results[2 * apart] = sums[2];
            results[3 * apart] = sums[3];
            return;
        }

        for (int row = 0; row < 4; row++)
        {
            float sum = sums[row];
            for (int j = i; j < n; j++)
                sum += x[j] * F.Load<SimdScalar, float>(w0 + row * step, j);
            results[row * apart] = sum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* w0, byte* w1, byte* w2, byte* w3, long ahead)
    {
        if (!Sse.IsSupported)
            return;
        Sse.Prefetch0(w0 + ahead);
        Sse.Prefetch0(w1 + ahead);
        Sse.Prefetch0(w2 + ahead);
        Sse.Prefetch0(w3 + ahead);
    }
}
