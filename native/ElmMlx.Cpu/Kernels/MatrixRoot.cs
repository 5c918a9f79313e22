namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// U √S Vᵀ of a square matrix A = U S Vᵀ: the square root of a covariance. By one-sided Jacobi rotations, which turn
/// the columns of A V until they are orthogonal; their lengths are then S.
/// </summary>
internal static class MatrixRoot
{
    private const int MaxSweeps = 60;

    /// <param name="a">Row-major [n, n]; overwritten.</param>
    /// <param name="n">Rows and columns.</param>
    /// <param name="root">Row-major [n, n].</param>
    public static void Run(double[] a, int n, Span<float> root)
    {
        var v = new double[n * n];
        for (int i = 0; i < n; i++)
            v[i * n + i] = 1;
        for (int sweep = 0; sweep < MaxSweeps && !Sweep(a, v, n); sweep++)
        {
        }

        root.Clear();
        for (int k = 0; k < n; k++)
        {
            double square = 0;
            for (int i = 0; i < n; i++)
                square += a[i * n + k] * a[i * n + k];
            if (square == 0)
                continue;
            double scale = 1 / Math.Sqrt(Math.Sqrt(square));       // column = U S: times S^−½
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j < n; j++)
                    root[i * n + j] += (float)(a[i * n + k] * scale * v[j * n + k]);
            }
        }
    }

    // Rotates every pair of columns; true when all were orthogonal already.
    private static bool Sweep(double[] a, double[] v, int n)
    {
        bool isDone = true;
        for (int p = 0; p < n - 1; p++)
        {
            for (int q = p + 1; q < n; q++)
            {
                double alpha = 0, beta = 0, gamma = 0;
                for (int i = 0; i < n; i++)
                {
                    double x = a[i * n + p], y = a[i * n + q];
                    alpha += x * x;
                    beta += y * y;
                    gamma += x * y;
                }

                if (Math.Abs(gamma) <= 1e-15 * Math.Sqrt(alpha * beta))
                    continue;
                isDone = false;
                double zeta = (beta - alpha) / (2 * gamma);
                double tangent = Math.CopySign(1, zeta) / (Math.Abs(zeta) + Math.Sqrt(1 + zeta * zeta));
                double cos = 1 / Math.Sqrt(1 + tangent * tangent), sin = cos * tangent;
                Rotate(a, n, p, q, cos, sin);
                Rotate(v, n, p, q, cos, sin);
            }
        }

        return isDone;
    }

    private static void Rotate(double[] a, int n, int p, int q, double cos, double sin)
    {
        for (int i = 0; i < n; i++)
        {
            double x = a[i * n + p], y = a[i * n + q];
            a[i * n + p] = cos * x - sin * y;
            a[i * n + q] = sin * x + cos * y;
        }
    }
}
