using System.Text.Json;
using ElmMlx.Bindings;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>Factorisations, inverses and spectra of random matrices: what they are made of gives the matrix back.</summary>
public sealed class LinearAlgebraTests
{
    private const string Float32 = "float32", Float64 = "float64", Complex64 = "complex64";

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

    [Theory]
    [InlineData(Float32)]
    [InlineData(Float64)]
    public void Inverses_and_solutions_are_such(string dtype)
    {
        const int N = 6;
        using var arena = new NativeArena();
        GoldenTensor a = Symmetric(GoldenTensors.TypeOf(dtype), N, isDefinite: true);
        GoldenTensor b = Numbers.Random(new(4), a.Type, N, 3);
        mlx_array matrix = arena.New(a);
        Close(dtype, Identity(1, N), Product(a, Of("linalg_inv", "{}", matrix)));
        GoldenTensor factor = Of("linalg_cholesky", """{"upper": false}""", matrix);
        Close(dtype, a.Doubles(), Product(factor, Turned(factor)));
        GoldenTensor upper = Of("linalg_cholesky", """{"upper": true}""", matrix);
        Close(dtype, a.Doubles(), Product(Turned(upper), upper));
        Close(dtype, Identity(1, N), Product(factor, Of("linalg_tri_inv", """{"upper": false}""", arena.New(factor))));
        Close(dtype, Identity(1, N), Product(a, Of("linalg_cholesky_inv", """{"upper": false}""", arena.New(factor))));
        Close(dtype, b.Doubles(), Product(a, Of("linalg_solve", "{}", matrix, arena.New(b))));
        Close(dtype, b.Doubles(), Product(
            upper, Of("linalg_solve_triangular", """{"upper": true}""", arena.New(upper), arena.New(b))));

        GoldenTensor Of(string operation, string arguments, params mlx_array[] inputs) =>
            arena.Read(CFunction.Call(arena, operation, [.. inputs], arguments));
    }

    [Fact]
    public void A_vector_is_solved_for_and_a_pseudo_inverse_inverts_from_the_left()
    {
        using var arena = new NativeArena();
        GoldenTensor a = Symmetric(MLX_FLOAT32, 4, isDefinite: true), b = Numbers.Random(new(1), MLX_FLOAT32, 4);
        GoldenTensor x = arena.Read(CFunction.Call(arena, "linalg_solve", arena.New(a), arena.New(b))[0]);
        Assert.Equal([4], x.Shape);
        Close(Float32, b.Doubles(), Product(a, x with { Shape = [4, 1] }));
        GoldenTensor tall = Numbers.Random(new(8), MLX_FLOAT32, 7, 3);
        GoldenTensor pseudo = arena.Read(CFunction.Call(arena, "linalg_pinv", arena.New(tall))[0]);
        Assert.Equal([3, 7], pseudo.Shape);
        Close(Float32, Identity(1, 3), Product(pseudo, tall));
    }

    [Theory]
    [InlineData("linalg_qr", "int32", new[] { 3, 3 })]
    [InlineData("linalg_svd", "float16", new[] { 3, 3 })]
    [InlineData("linalg_inv", "float32", new[] { 3, 4 })]
    [InlineData("linalg_eigvals", "float32", new[] { 3 })]
    [InlineData("linalg_cholesky", "complex64", new[] { 3, 3 })]
    public void What_has_no_such_function_is_refused(string operation, string dtype, int[] shape)
    {
        using var arena = new NativeArena();
        mlx_array a = arena.New(Numbers.Random(new(1), GoldenTensors.TypeOf(dtype), shape));
        RefusedException refused = Assert.Throws<RefusedException>(() => CFunction.Call(arena, operation, a));
        Assert.Null(refused.NotImplemented);
    }

    [Fact]
    public void A_singular_matrix_is_an_error_on_the_CPU_provider()
    {
        if (TestProvider.IsMlx)
            return;     // it ends the process there
        using var arena = new NativeArena();
        mlx_array ones = arena.New(Numbers.Of(MLX_FLOAT32, [2, 2], [1, 1, 1, 1]));
        foreach (string operation in (string[])["linalg_inv", "linalg_lu"])
        {
            mlx_array result = CFunction.Of(operation).Call(arena, [ones], Json("{}"))[0];
            Assert.Throws<RefusedException>(() => arena.Read(result));
        }
    }

    // x = A⁻¹·b: a step dA moves it by −A⁻¹·dA·x, a step db by A⁻¹·db
    [Fact]
    public void Solutions_and_inverses_have_gradients_on_the_CPU_provider()
    {
        if (TestProvider.IsMlx)
            return;     // none there
        const int N = 4;
        using var arena = new NativeArena();
        GoldenTensor a = Symmetric(MLX_FLOAT64, N, isDefinite: true), b = Numbers.Random(new(2), MLX_FLOAT64, N, 2);
        GoldenTensor g = Numbers.Random(new(3), MLX_FLOAT64, N, 2), da = Numbers.Random(new(4), MLX_FLOAT64, N, N);
        GoldenTensor inverse = arena.Read(CFunction.Call(arena, "linalg_inv", arena.New(a))[0]);
        (mlx_array[] x, mlx_array[] gradients) = NativeGradients.Vjp(
            arena, inputs => CFunction.Call(arena, "linalg_solve", inputs[0], inputs[1]), [arena.New(a), arena.New(b)],
            [arena.New(g)]);
        GoldenTensor step = Numbers.Of(MLX_FLOAT64, [N, 2], Product(da, arena.Read(x[0])));
        Assert.Equal(
            -Numbers.Dot(g.Doubles(), Product(inverse, step)),
            Numbers.Dot(arena.Read(gradients[0]).Doubles(), da.Doubles()), 1e-10);
        Close(Float64, Product(Turned(inverse), g), arena.Read(gradients[1]).Doubles());

        GoldenTensor h = Numbers.Random(new(5), MLX_FLOAT64, N, N);
        (_, mlx_array[] ofInverse) = NativeGradients.Vjp(
            arena, inputs => CFunction.Call(arena, "linalg_inv", inputs[0]), [arena.New(a)], [arena.New(h)]);
        GoldenTensor moved = Numbers.Of(MLX_FLOAT64, [N, N], Product(inverse, da));
        Assert.Equal(
            -Numbers.Dot(h.Doubles(), Product(moved, inverse)),
            Numbers.Dot(arena.Read(ofInverse[0]).Doubles(), da.Doubles()), 1e-10);
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

    private static GoldenTensor Symmetric(mlx_dtype type, int n, bool isDefinite = false)
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
    private static double[] Product(GoldenTensor a, GoldenTensor b)
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

    private static GoldenTensor Turned(GoldenTensor a)
    {
        int m = a.Shape[^2], n = a.Shape[^1];
        double[] values = a.Doubles();
        return Numbers.Of(MLX_FLOAT64, [.. a.Shape[..^2], n, m], [.. Enumerable.Range(0, values.Length).Select(i =>
            values[i / (m * n) * m * n + i % m * n + i / m % n])]);
    }

    private static double[] Identity(int count, int n) =>
        [.. Enumerable.Range(0, count * n * n).Select(i => i / n % n == i % n ? 1.0 : 0.0)];

    private static double Square(double[] pairs, int at) =>
        pairs[2 * at] * pairs[2 * at] + pairs[2 * at + 1] * pairs[2 * at + 1];

    private static double[] Sorted(double[] pairs) =>
        [.. Enumerable.Range(0, pairs.Length / 2).Select(i => (pairs[2 * i], pairs[2 * i + 1]))
            .OrderBy(z => Math.Round(z.Item1, 3)).ThenBy(z => z.Item2).SelectMany(z => (double[])[z.Item1, z.Item2])];

    private static void Close(string dtype, double[] want, double[] got)
    {
        Assert.Equal(want.Length, got.Length);
        double distance = Numbers.Distance(want, got);
        Assert.True(distance < (dtype == Float64 ? 1e-12 : 2e-5), $"{distance}");
    }

    private static JsonElement Json(string text) =>
        JsonDocument.Parse(text).RootElement.Clone();
}
