using System.Numerics;
using ElmMlx.Bindings;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>Fourier transforms of all kinds of lengths against sums in float64.</summary>
[Collection(GradientCollection.Name)]
public sealed class FourierTests
{
    public static TheoryData<int> Lengths =>
    [
        1, 2, 3, 4, 5, 6, 7, 8, 12, 15, 16, 31, 37, 64, 74, 97, 100, 120, 128, 210, 243, 256, 289, 500, 512, 1009, 1024,
        2048, 3125,
    ];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Transforms_are_the_sums(int n)
    {
        using var arena = new NativeArena();
        GoldenTensor x = Numbers.Random(new(n), MLX_COMPLEX64, 3, n);
        foreach (bool isInverse in (bool[])[false, true])
        {
            double[] got = arena.Read(CFunction.Call(
                arena, isInverse ? "fft_ifft" : "fft_fft", [arena.New(x)], $$"""{"n": {{n}}, "axis": -1}""")).Doubles();
            Assert.True(Error(got, Naive(Numbers.Pairs(x), 3, n, isInverse)) < 1e-6);
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Real_transforms_are_half_of_the_sums_and_go_back(int n)
    {
        using var arena = new NativeArena();
        GoldenTensor x = Numbers.Random(new(n), MLX_FLOAT32, 2, n);
        int half = n / 2 + 1;
        mlx_array transformed = CFunction.Call(arena, "fft_rfft", [arena.New(x)], $$"""{"n": {{n}}, "axis": 1}""");
        GoldenTensor got = arena.Read(transformed);
        double[] whole = Naive(Numbers.Pairs(x), 2, n, isInverse: false);
        Assert.Equal([2, half], got.Shape);
        Assert.True(Error(got.Doubles(), [.. whole[..(2 * half)], .. whole[(2 * n)..(2 * n + 2 * half)]]) < 1e-6);
        GoldenTensor back = arena.Read(
            CFunction.Call(arena, "fft_irfft", [transformed], $$"""{"n": {{n}}, "axis": 1}"""));
        Assert.Equal(MLX_FLOAT32, back.Type);
        Assert.True(Error(back.Doubles(), x.Doubles()) < 1e-6);
    }

    // ⟨g, F·d⟩ = ⟨gradient, d⟩, real parts of sums of conjugate products
    [Theory]
    [InlineData("fftn", MLX_COMPLEX64)]
    [InlineData("ifftn", MLX_COMPLEX64)]
    [InlineData("rfftn", MLX_FLOAT32)]
    [InlineData("irfftn", MLX_COMPLEX64)]
    public void Gradients_are_the_conjugate_transposes(string operation, mlx_dtype type)
    {
        var random = new Random(5);
        foreach (int n in (int[])[6, 7])
        {
            using var arena = new NativeArena();
            int[] shape = [2, 5, operation == "irfftn" ? n / 2 + 1 : n];
            GoldenTensor x = Numbers.Random(random, type, shape), d = Numbers.Random(random, type, shape);
            mlx_array Transform(mlx_array a) => CFunction.Call(
                arena, "fft_" + operation, [a], $$"""{"n": [5, {{n}}], "axes": [1, 2], "norm": "ortho"}""");
            GoldenTensor moved = arena.Read(Transform(arena.New(d)));
            GoldenTensor g = Numbers.Random(random, moved.Type, moved.Shape);
            (_, mlx_array[] gradients) = NativeGradients.Vjp(
                arena, inputs => [Transform(inputs[0])], [arena.New(x)], [arena.New(g)]);
            GoldenTensor gradient = arena.Read(gradients[0]);
            Assert.Equal(type, gradient.Type);
            double want = Numbers.Dot(Numbers.Pairs(g), Numbers.Pairs(moved));
            Assert.Equal(want, Numbers.Dot(Numbers.Pairs(gradient), Numbers.Pairs(d)), 1e-4);
        }
    }

    [Fact]
    public void Strided_views_are_read_where_they_lie()
    {
        using var arena = new NativeArena();
        GoldenTensor x = Numbers.Random(new(2), MLX_COMPLEX64, 12, 5);
        mlx_array turned = CFunction.Call(arena, "transpose", arena.New(x))[0];
        double[] got = arena.Read(CFunction.Call(arena, "fft_fft", [turned], """{"n": 12, "axis": 1}""")).Doubles();
        double[] rows = Numbers.Pairs(arena.Read(turned));
        Assert.True(Error(got, Naive(rows, 5, 12, isInverse: false)) < 1e-6);
    }

    [Fact]
    public void Frequencies_are_those_of_the_numbers()
    {
        using var arena = new NativeArena();
        Assert.Equal([0, 0.5, -1, -0.5],
            arena.Read(CFunction.Call(arena, "fft_fftfreq", [], """{"n": 4, "d": 0.5}""")).Doubles());
        Assert.Equal([0, 0.5, 1],
            arena.Read(CFunction.Call(arena, "fft_rfftfreq", [], """{"n": 4, "d": 0.5}""")).Doubles());
    }

    [Theory]
    [InlineData(12)]
    [InlineData(20)]
    [InlineData(28)]
    [InlineData(64)]
    [InlineData(96)]
    public void Hadamard_matrices_are_orthogonal(int n)
    {
        using var arena = new NativeArena();
        mlx_array identity = CFunction.Call(
            arena, "eye", [], $$"""{"n": {{n}}, "m": {{n}}, "k": 0, "dtype": "float32"}""");
        double[] h = arena.Read(CFunction.Call(arena, "hadamard_transform", [identity], "{}")).Doubles();
        Assert.All(h, x => Assert.Equal(1 / Math.Sqrt(n), Math.Abs(x), 1e-6));
        for (int i = 0; i < n * n; i++)
        {
            double dot = Numbers.Dot(h[(i / n * n)..(i / n * n + n)], h[(i % n * n)..(i % n * n + n)]);
            Assert.Equal(i / n == i % n ? 1 : 0, dot, 1e-5);
        }
    }

    // Relative to the size of the result
    private static double Error(double[] got, double[] want)
    {
        Assert.Equal(want.Length, got.Length);
        return Math.Sqrt(got.Zip(want, (a, b) => (a - b) * (a - b)).Sum() / Math.Max(1e-30, want.Sum(x => x * x)));
    }

    private static double[] Naive(double[] x, int rows, int n, bool isInverse)
    {
        var y = new double[x.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int k = 0; k < n; k++)
            {
                Complex sum = 0;
                for (int j = 0; j < n; j++)
                {
                    double angle = (isInverse ? 2 : -2) * Math.PI * ((long)j * k % n) / n;
                    int at = 2 * (row * n + j);
                    sum += new Complex(x[at], x[at + 1]) * Complex.FromPolarCoordinates(1, angle);
                }

                sum /= isInverse ? n : 1;
                (y[2 * (row * n + k)], y[2 * (row * n + k) + 1]) = (sum.Real, sum.Imaginary);
            }
        }

        return y;
    }
}
