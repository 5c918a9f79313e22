using ElmMlx.Bindings;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>Matrices of tests of linear algebra, row-major, and what they should be like.</summary>
internal static class TestMatrices
{
    public const string Float32 = "float32", Float64 = "float64", Complex64 = "complex64";

    public static GoldenTensor Symmetric(mlx_dtype type, int n, bool isDefinite = false)
    {
        var random = new Random(n);
        int parts = type == MLX_COMPLEX64 ? 2 : 1;
        var a = new double[parts * n * n];
        for (int i = 0; i < n * n; i++)
        {
            (int row, int column) = (i / n, i % n);
            if (column > row)
                continue;
            int mirrored = parts * (column * n + row);
            a[parts * i] = a[mirrored] = random.NextDouble() - 0.5 + (row == column && isDefinite ? n : 0);
            if (parts == 2)
                a[mirrored + 1] = -(a[parts * i + 1] = row == column ? 0 : random.NextDouble() - 0.5);
        }

        return Numbers.Of(type, [n, n], a);
    }

    // Stacked matrices
    public static double[] Product(GoldenTensor a, GoldenTensor b)
    {
        int m = a.Shape[^2], k = a.Shape[^1], n = b.Shape[^1];
        double[] x = a.Doubles(), y = b.Doubles(), c = new double[x.Length / (m * k) * m * n];
        for (int i = 0; i < c.Length; i++)
        {
            int matrix = i / (m * n), row = i / n % m;
            for (int inner = 0; inner < k; inner++)
                c[i] += x[(matrix * m + row) * k + inner] * y[(matrix * k + inner) * n + i % n];
        }

        return c;
    }

    public static GoldenTensor Turned(GoldenTensor a)
    {
        int m = a.Shape[^2], n = a.Shape[^1];
        double[] values = a.Doubles();
        return Numbers.Of(MLX_FLOAT64, [.. a.Shape[..^2], n, m], [.. Enumerable.Range(0, values.Length).Select(i =>
            values[i / (m * n) * m * n + i % m * n + i / m % n])]);
    }

    public static double[] Identity(int count, int n) =>
        [.. Enumerable.Range(0, count * n * n).Select(i => i / n % n == i % n ? 1.0 : 0.0)];

    public static void Close(string dtype, double[] want, double[] got)
    {
        Assert.Equal(want.Length, got.Length);
        double distance = Numbers.Distance(want, got);
        Assert.True(distance < (dtype == Float64 ? 1e-12 : 2e-5), $"{distance}");
    }
}
