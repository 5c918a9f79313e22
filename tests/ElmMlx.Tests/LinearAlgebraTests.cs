using System.Text.Json;
using ElmMlx.Bindings;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;
using static ElmMlx.Tests.TestMatrices;

namespace ElmMlx.Tests;

/// <summary>
/// Factorisations and spectra of random matrices: what they are made of gives the matrix back.
/// </summary>
public sealed class LinearAlgebraTests
{
    [Theory]
    [InlineData(Float32, 5, 5)]
    [InlineData(Float32, 7, 3)]
    [InlineData(Float64, 3, 8)]
    [InlineData(Float64, 40, 25)]
    public void Qr_restores_with_orthonormal_columns(string dtype, int m, int n)
    {
        using var arena = new NativeArena();
        GoldenTensor a = Numbers.Random(new(m + n), GoldenTensors.TypeOf(dtype), 2, m, n);
        mlx_array[] parts = CFunction.Call(arena, "linalg_qr", arena.New(a));
        GoldenTensor q = arena.Read(parts[0]), r = arena.Read(parts[1]);
        int k = Math.Min(m, n);
        Assert.Equal([2, m, k], q.Shape);
        Assert.Equal([2, k, n], r.Shape);
        Close(dtype, a.Doubles(), Product(q, r));
        Close(dtype, Identity(2, k), Product(Turned(q), q));
        Assert.All(Enumerable.Range(0, k * n).Where(i => i / n > i % n), i => Assert.Equal(0, r.Doubles()[i]));
    }

    [Theory]
    [InlineData(Float32, 4, 4)]
    [InlineData(Float32, 6, 3)]
    [InlineData(Float64, 3, 7)]
    [InlineData(Complex64, 5, 3)]
    [InlineData(Complex64, 3, 4)]
    [InlineData(Float32, 30, 30)]
    public void Svd_restores_with_unitary_factors(string dtype, int m, int n)
    {
        using var arena = new NativeArena();
        GoldenTensor a = Numbers.Random(new(m * n), GoldenTensors.TypeOf(dtype), m, n);
        mlx_array[] parts = CFunction.Of("linalg_svd").Call(arena, [arena.New(a)], Json("""{"compute_uv": true}"""));
        GoldenTensor u = arena.Read(parts[0]), s = arena.Read(parts[1]), vt = arena.Read(parts[2]);
        double[] values = s.Doubles(), scaled = new double[2 * m * n], right = Numbers.Pairs(vt);
        for (int i = 0; i < 2 * values.Length * n; i++)
            scaled[i] = right[i] * values[i / (2 * n)];
        Close(dtype, Numbers.Pairs(a), Numbers.ComplexProduct(Numbers.Pairs(u), scaled, m, m, n));
        Assert.Equal(values.OrderDescending(), values);
        Assert.Equal(Math.Sqrt(Numbers.Pairs(a).Sum(x => x * x)), Math.Sqrt(values.Sum(x => x * x)), 1e-4);
        double[] alone = arena.Read(CFunction.Of("linalg_svd").Call(
            arena, [arena.New(a)], Json("""{"compute_uv": false}"""))[0]).Doubles();
        Close(dtype, values, alone);
    }

    [Theory]
    [InlineData(Float32, 5, "L")]
    [InlineData(Float64, 12, "U")]
    [InlineData(Complex64, 4, "L")]
    [InlineData(Complex64, 7, "U")]
    public void Eigh_diagonalises(string dtype, int n, string triangle)
    {
        using var arena = new NativeArena();
        GoldenTensor a = Symmetric(GoldenTensors.TypeOf(dtype), n);
        string arguments = $$"""{"UPLO": "{{triangle}}"}""";
        mlx_array[] parts = CFunction.Of("linalg_eigh").Call(arena, [arena.New(a)], Json(arguments));
        GoldenTensor values = arena.Read(parts[0]), vectors = arena.Read(parts[1]);
        Assert.Equal(dtype == Complex64 ? MLX_FLOAT32 : a.Type, values.Type);
        Assert.Equal(values.Doubles().Order(), values.Doubles());
        IsSpectrum(dtype, a, Numbers.Pairs(values), Numbers.Pairs(vectors));
        Close(dtype, values.Doubles(), arena.Read(
            CFunction.Call(arena, "linalg_eigvalsh", [arena.New(a)], arguments)).Doubles());
    }

    [Theory]
    [InlineData(Float32, 2)]
    [InlineData(Float32, 6)]
    [InlineData(Float64, 11)]
    [InlineData(Complex64, 5)]
    public void Eig_diagonalises_any_square_matrix(string dtype, int n)
    {
        using var arena = new NativeArena();
        GoldenTensor a = Numbers.Random(new(n), GoldenTensors.TypeOf(dtype), n, n);
        mlx_array[] parts = CFunction.Call(arena, "linalg_eig", arena.New(a));
        GoldenTensor values = arena.Read(parts[0]), vectors = arena.Read(parts[1]);
        Assert.Equal(MLX_COMPLEX64, values.Type);
        double[] right = vectors.Doubles();
        if (TestProvider.IsMlx && dtype == Complex64)       // MLX gives the conjugates of the eigenvectors
            right = [.. right.Select((x, i) => i % 2 == 0 ? x : -x)];
        IsSpectrum(Float32, a, values.Doubles(), right);
        for (int k = 0; k < n; k++)
            Assert.Equal(1, Enumerable.Range(0, n).Sum(i => Square(vectors.Doubles(), i * n + k)), 1e-4);
        double[] alone = arena.Read(CFunction.Call(arena, "linalg_eigvals", arena.New(a))[0]).Doubles();
        Assert.True(Numbers.Distance(Sorted(values.Doubles()), Sorted(alone)) < 1e-5);
    }

    [Theory]
    [InlineData(Float32, 5, 5)]
    [InlineData(Float32, 6, 4)]
    [InlineData(Float64, 4, 9)]
    public void Lu_restores_with_its_rows_exchanged(string dtype, int m, int n)
    {
        using var arena = new NativeArena();
        GoldenTensor a = Numbers.Random(new(m), GoldenTensors.TypeOf(dtype), 3, m, n);
        mlx_array[] parts = CFunction.Of("linalg_lu").Call(arena, [arena.New(a)], Json("{}"));
        double[] product = Product(arena.Read(parts[1]), arena.Read(parts[2]));
        double[] rows = arena.Read(parts[0]).Doubles();

        // Row i of A is row rows[i] of L·U
        double[] direct = [.. Enumerable.Range(0, product.Length).Select(i =>
            product[(i / (m * n) * m + (int)rows[i / n]) * n + i % n])];
        Close(dtype, a.Doubles(), direct);
        mlx_array[] factor = CFunction.Call(arena, "linalg_lu_factor", arena.New(a));
        Assert.Equal(MLX_UINT32, arena.Read(factor[1]).Type);
        Assert.Equal([3, Math.Min(m, n)], arena.Read(factor[1]).Shape);
        Assert.Equal([3, m, n], arena.Read(factor[0]).Shape);
    }

    // A·v = λ·v for each column v
    private static void IsSpectrum(string dtype, GoldenTensor a, double[] values, double[] vectors)
    {
        int n = a.Shape[0];
        double[] scaled = new double[2 * n * n];
        for (int i = 0; i < n * n; i++)
        {
            double re = values[2 * (i % n)], im = values[2 * (i % n) + 1], x = vectors[2 * i], y = vectors[2 * i + 1];
            (scaled[2 * i], scaled[2 * i + 1]) = (re * x - im * y, re * y + im * x);
        }

        Close(dtype, Numbers.ComplexProduct(Numbers.Pairs(a), vectors, n, n, n), scaled);
    }

    private static double Square(double[] pairs, int at) =>
        pairs[2 * at] * pairs[2 * at] + pairs[2 * at + 1] * pairs[2 * at + 1];

    private static double[] Sorted(double[] pairs) =>
        [.. Enumerable.Range(0, pairs.Length / 2).Select(i => (pairs[2 * i], pairs[2 * i + 1]))
            .OrderBy(z => Math.Round(z.Item1, 3)).ThenBy(z => z.Item2).SelectMany(z => (double[])[z.Item1, z.Item2])];

    private static JsonElement Json(string text) =>
        JsonDocument.Parse(text).RootElement.Clone();
}
