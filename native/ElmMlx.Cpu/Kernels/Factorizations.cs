namespace ElmMlx.Cpu.Kernels;

/// <summary>Factorisations and inverses of row-major matrices in float64, in place where that goes.</summary>
internal static class Factorizations
{
    /// <summary>
    /// P·A = L·U with the largest pivot of each column: a becomes L, whose ones on the diagonal are left out, and U.
    /// </summary>
    /// <param name="a">[m, n].</param>
    /// <param name="m">Rows.</param>
    /// <param name="n">Columns.</param>
    /// <param name="pivots">min(m, n): the row that each row was exchanged with.</param>
    /// <returns>Whether no pivot is 0.</returns>
    public static bool Lu(Span<double> a, int m, int n, Span<int> pivots)
    {
        bool isRegular = true;
        for (int k = 0; k < Math.Min(m, n); k++)
        {
            int pivot = k;
            for (int i = k + 1; i < m; i++)
            {
                if (Math.Abs(a[i * n + k]) > Math.Abs(a[pivot * n + k]))
                    pivot = i;
            }

            pivots[k] = pivot;
            Exchange(a, n, k, pivot);
            double divisor = a[k * n + k];
            if (divisor == 0)
            {
                isRegular = false;
                continue;
            }

            ReadOnlySpan<double> row = a.Slice(k * n + k + 1, n - k - 1);
            for (int i = k + 1; i < m; i++)
            {
                double factor = a[i * n + k] /= divisor;
                if (factor != 0)
                    Subtract(a.Slice(i * n + k + 1, n - k - 1), row, factor);
            }
        }

        return isRegular;
    }

    /// <summary>Exchanges rows of b [.., n] as <see cref="Lu"/> exchanged them.</summary>
    public static void Exchange(Span<double> b, int n, ReadOnlySpan<int> pivots)
    {
        for (int k = 0; k < pivots.Length; k++)
            Exchange(b, n, k, pivots[k]);
    }

    /// <summary>Solves T·X = B for a triangle T [n, n] and b [n, columns], which becomes X.</summary>
    /// <returns>Whether no element of the diagonal is 0.</returns>
    public static bool SolveTriangle(
        ReadOnlySpan<double> t, int n, Span<double> b, int columns, bool isUpper, bool hasUnitDiagonal)
    {
        for (int step = 0; step < n; step++)
        {
            int i = isUpper ? n - 1 - step : step;
            Span<double> row = b.Slice(i * columns, columns);
            for (int k = isUpper ? i + 1 : 0; k < (isUpper ? n : i); k++)
            {
                double factor = t[i * n + k];
                if (factor != 0)
                    Subtract(row, b.Slice(k * columns, columns), factor);
            }

            if (hasUnitDiagonal)
                continue;
            double divisor = t[i * n + i];
            if (divisor == 0)
                return false;
            foreach (ref double x in row)
                x /= divisor;
        }

        return true;
    }

    /// <summary>
    /// A = L·Lᵀ of a symmetric a [n, n], of which the lower triangle is read and becomes L; the rest becomes 0.
    /// </summary>
    /// <returns>Whether a is positive definite.</returns>
    public static bool Cholesky(Span<double> a, int n)
    {
        for (int j = 0; j < n; j++)
        {
            ReadOnlySpan<double> pivotRow = a.Slice(j * n, j);
            double square = a[j * n + j] - Dot(pivotRow, pivotRow);
            if (!(square > 0))
                return false;
            double root = Math.Sqrt(square);
            a[j * n + j] = root;
            for (int i = j + 1; i < n; i++)
                a[i * n + j] = (a[i * n + j] - Dot(a.Slice(i * n, j), pivotRow)) / root;
            a.Slice(j * n + j + 1, n - j - 1).Clear();
        }

        return true;
    }

    /// <summary>
    /// A = Q·R by Householder's reflections, with LAPACK's signs: a column's reflection makes its first element's sign
    /// the other one.
    /// </summary>
    /// <param name="a">[m, n]; overwritten.</param>
    /// <param name="m">Rows.</param>
    /// <param name="n">Columns.</param>
    /// <param name="q">[m, min(m, n)].</param>
    /// <param name="r">[min(m, n), n].</param>
    public static void Qr(Span<double> a, int m, int n, Span<double> q, Span<double> r)
    {
        int k = Math.Min(m, n);
        var reflections = new double[k * m];        // a row each, scaled so that the reflection is 1 − v·vᵀ
        for (int j = 0; j < k; j++)
        {
            Span<double> v = reflections.AsSpan(j * m, m);
            double norm = 0;
            for (int i = j; i < m; i++)
                norm = double.Hypot(norm, v[i] = a[i * n + j]);
            if (norm == 0 || j == m - 1)
            {
                v.Clear();
                continue;
            }

            double diagonal = v[j] > 0 ? -norm : norm;
            v[j] -= diagonal;
            double scale = 1 / Math.Sqrt(-diagonal * v[j]);
            for (int i = j; i < m; i++)
                v[i] *= scale;
            Reflect(a, n, v, j);
        }

        r.Clear();
        for (int i = 0; i < k; i++)
            a.Slice(i * n + i, n - i).CopyTo(r[(i * n + i)..]);
        q.Clear();
        for (int i = 0; i < k; i++)
            q[i * k + i] = 1;
        for (int j = k - 1; j >= 0; j--)
            Reflect(q, k, reflections.AsSpan(j * m, m), j);
    }

    // a −= v·(vᵀ·a), where v is 0 before element `first`
    private static void Reflect(Span<double> a, int n, ReadOnlySpan<double> v, int first)
    {
        var sums = new double[n];
        for (int i = first; i < v.Length; i++)
            Subtract(sums, a.Slice(i * n, n), -v[i]);
        for (int i = first; i < v.Length; i++)
            Subtract(a.Slice(i * n, n), sums, v[i]);
    }

    private static void Exchange(Span<double> a, int n, int row, int other)
    {
        if (row == other)
            return;
        for (int j = 0; j < n; j++)
            (a[row * n + j], a[other * n + j]) = (a[other * n + j], a[row * n + j]);
    }

    private static void Subtract(Span<double> from, ReadOnlySpan<double> row, double factor)
    {
        for (int j = 0; j < from.Length; j++)
            from[j] -= factor * row[j];
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
