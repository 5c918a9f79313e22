using System.Numerics;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Rows times a Hadamard matrix of order m · 2ᵏ: butterflies for the power of two, sums and differences for m. Computed
/// in float32, or in float64 where the rows are.
/// </summary>
internal static class HadamardKernels
{
    /// <param name="row">m · 2ᵏ numbers; changed in place.</param>
    /// <param name="order">m: 1, 12, 20 or 28.</param>
    /// <param name="scale">Of the result.</param>
    /// <param name="isTransposed">Whether the matrix is.</param>
    public static void Run<T>(Span<T> row, int order, T scale, bool isTransposed)
        where T : unmanaged, INumber<T>
    {
        int n = row.Length / order;
        for (int half = 1; half < n; half *= 2)
        {
            for (int first = 0; first < row.Length; first += 2 * half)
                Butterflies(row.Slice(first, half), row.Slice(first + half, half));
        }

        if (order > 1)
            Mix(row, n, HadamardMatrices.Rows(order)!, isTransposed);
        foreach (ref T element in row)
            element *= scale;
    }

    private static void Butterflies<T>(Span<T> low, Span<T> high)
        where T : unmanaged, INumber<T>
    {
        for (int i = 0; i < low.Length; i++)
            (low[i], high[i]) = (low[i] + high[i], low[i] - high[i]);
    }

    // Element i of each of the m blocks of n
    private static void Mix<T>(Span<T> row, int n, uint[] rows, bool isTransposed)
        where T : unmanaged, INumber<T>
    {
        int m = rows.Length;
        Span<T> mixed = stackalloc T[m];
        for (int i = 0; i < n; i++)
        {
            mixed.Clear();
            for (int j = 0; j < m; j++)
            {
                for (int k = 0; k < m; k++)
                {
                    T element = row[i + k * n];
                    uint bit = isTransposed ? rows[k] >> j : rows[j] >> k;
                    mixed[j] += (bit & 1) != 0 ? element : -element;
                }
            }

            for (int j = 0; j < m; j++)
                row[i + j * n] = mixed[j];
        }
    }
}
