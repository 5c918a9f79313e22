using System.Text.Json;
using ElmMlx.Bindings;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;
using static ElmMlx.Tests.TestMatrices;

namespace ElmMlx.Tests;

/// <summary>Inverses and solutions, what they refuse, and their gradients.</summary>
[Collection(GradientCollection.Name)]
public sealed class LinearSystemTests
{
    private static readonly JsonElement NoArguments = JsonDocument.Parse("{}").RootElement.Clone();

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
            mlx_array result = CFunction.Of(operation).Call(arena, [ones], NoArguments)[0];
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
}
