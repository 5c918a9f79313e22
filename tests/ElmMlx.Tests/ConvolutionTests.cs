using ElmMlx.Bindings;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>Convolutions of random shapes and geometries against <see cref="NaiveConvolution"/>.</summary>
[Collection(GradientCollection.Name)]
public sealed class ConvolutionTests
{
    [Theory]
    [InlineData(MLX_FLOAT32, 2e-5)]
    [InlineData(MLX_FLOAT16, 6e-3)]
    [InlineData(MLX_BFLOAT16, 6e-2)]
    public void Random_convolutions_are_the_naive_ones(mlx_dtype type, double tolerance)
    {
        var random = new Random(7);
        for (int i = 0; i < 60; i++)
        {
            Case c = Case.Random(random, type, isPlain: false);
            using var arena = new NativeArena();
            GoldenTensor y = arena.Read(Convolve(arena, c, arena.New(c.X), arena.New(c.W)));
            double[] want = c.Geometry.Run(c.X.Doubles(), c.X.Shape, c.W.Doubles(), c.W.Shape);
            Assert.Equal(type, y.Type);
            double distance = Numbers.Distance(y.Doubles(), want);
            Assert.True(distance <= tolerance, $"{c}: {distance}");
        }
    }

    [Fact]
    public void Float64_is_exact()
    {
        if (TestProvider.IsMlx)
            return;     // MLX convolves no float64 on its CPU device
        var random = new Random(11);
        for (int i = 0; i < 20; i++)
        {
            Case c = Case.Random(random, MLX_FLOAT64, isPlain: false);
            using var arena = new NativeArena();
            double[] y = arena.Read(Convolve(arena, c, arena.New(c.X), arena.New(c.W))).Doubles();
            double[] want = c.Geometry.Run(c.X.Doubles(), c.X.Shape, c.W.Doubles(), c.W.Shape);
            Assert.True(Numbers.Distance(y, want) < 1e-13, $"{c}");
        }
    }

    // A convolution is linear in x and in w: ⟨g, dx * w⟩ = ⟨gradient of x, dx⟩, the same for w.
    [Fact]
    public void Gradients_move_results_as_inputs_do()
    {
        var random = new Random(13);
        for (int i = 0; i < 60; i++)
        {
            // MLX's gradients are wrong where the paddings differ, and where the kernel does not reach the input's end
            Case c = Case.Random(random, MLX_FLOAT32, isPlain: TestProvider.IsMlx);
            using var arena = new NativeArena();
            mlx_array x = arena.New(c.X), w = arena.New(c.W);
            GoldenTensor y = arena.Read(Convolve(arena, c, x, w)), g = Numbers.Random(random, MLX_FLOAT32, y.Shape);
            (_, mlx_array[] gradients) = NativeGradients.Vjp(
                arena, inputs => [Convolve(arena, c, inputs[0], inputs[1])], [x, w], [arena.New(g)]);
            double[] dx = Numbers.Random(random, MLX_FLOAT32, c.X.Shape).Doubles();
            double[] dw = Numbers.Random(random, MLX_FLOAT32, c.W.Shape).Doubles();
            GoldenTensor ofX = arena.Read(gradients[0]), ofW = arena.Read(gradients[1]);
            Assert.Equal(c.X.Shape, ofX.Shape);
            Assert.Equal(c.W.Shape, ofW.Shape);
            double byX = Numbers.Dot(g.Doubles(), c.Geometry.Run(dx, c.X.Shape, c.W.Doubles(), c.W.Shape));
            double byW = Numbers.Dot(g.Doubles(), c.Geometry.Run(c.X.Doubles(), c.X.Shape, dw, c.W.Shape));
            Assert.True(Math.Abs(byX - Numbers.Dot(ofX.Doubles(), dx)) < 1e-3, $"x of {c}");
            Assert.True(Math.Abs(byW - Numbers.Dot(ofW.Doubles(), dw)) < 1e-3, $"w of {c}");
        }
    }

    // f(t) = ⟨a, (x + t u) * (w + t v)⟩ is quadratic: its second derivative is 2 ⟨a, u * v⟩.
    [Fact]
    public void Second_derivatives_are_there()
    {
        var random = new Random(17);
        Case c = Case.Random(random, MLX_FLOAT32, isPlain: true);
        using var arena = new NativeArena();
        mlx_array x = arena.New(c.X), w = arena.New(c.W);
        GoldenTensor y = arena.Read(Convolve(arena, c, x, w)), a = Numbers.Random(random, MLX_FLOAT32, y.Shape);
        GoldenTensor u = Numbers.Random(random, MLX_FLOAT32, c.X.Shape);
        GoldenTensor v = Numbers.Random(random, MLX_FLOAT32, c.W.Shape);

        mlx_array[] Gradients(mlx_array[] inputs) => NativeGradients.Vjp(
            arena, both => [Convolve(arena, c, both[0], both[1])], inputs, [arena.New(a)]).Gradients;

        (_, mlx_array[] second) = NativeGradients.Vjp(arena, Gradients, [x, w], [arena.New(u), arena.New(v)]);
        double got = Numbers.Dot(arena.Read(second[0]).Doubles(), u.Doubles())
            + Numbers.Dot(arena.Read(second[1]).Doubles(), v.Doubles());
        double want = 2 * Numbers.Dot(a.Doubles(), c.Geometry.Run(u.Doubles(), c.X.Shape, v.Doubles(), c.W.Shape));
        Assert.Equal(want, got, 1e-3);
    }

    [Theory]
    [InlineData("float32", new[] { 2, 8, 3 }, new[] { 4, 3, 2 }, "channels that differ")]
    [InlineData("float32", new[] { 2, 2, 3 }, new[] { 4, 3, 3 }, "a kernel longer than the input")]
    [InlineData("float32", new[] { 8, 3 }, new[] { 3, 3 }, "no spatial axis")]
    [InlineData("int32", new[] { 2, 8, 3 }, new[] { 4, 3, 3 }, "integers")]
    public void What_does_not_fit_is_refused(string type, int[] x, int[] w, string what)
    {
        using var arena = new NativeArena();
        mlx_dtype dtype = GoldenTensors.TypeOf(type);
        var random = new Random(3);
        mlx_array input = arena.New(
            Numbers.Random(random, dtype, x)), kernel = arena.New(Numbers.Random(random, dtype, w));
        var plain = new NaiveConvolution([1], [0], [0], [1], [1], 1, IsFlipped: false);
        RefusedException refused = Assert.Throws<RefusedException>(
            () => CFunction.Call(arena, "conv_general", [input, kernel], plain.Arguments));
        Assert.True(refused.NotImplemented is null, what);
    }

    private static mlx_array Convolve(NativeArena arena, Case c, mlx_array x, mlx_array w) =>
        CFunction.Call(arena, "conv_general", [x, w], c.Geometry.Arguments);

    private sealed record Case(GoldenTensor X, GoldenTensor W, NaiveConvolution Geometry)
    {
        public static Case Random(Random random, mlx_dtype type, bool isPlain)
        {
            int[] Two(int low, int high) => [random.Next(low, high), random.Next(low, high)];

            while (true)
            {
                int groups = random.Next(4) switch { 0 => 2, 1 => 5, _ => 1 };
                int[] kernel = Two(1, 4), dilation = Two(1, 3), low = Two(0, 3), high = isPlain ? low : Two(0, 3);
                if (isPlain)
                    low = high = [.. low.Select((p, axis) => Math.Min(p, dilation[axis] * (kernel[axis] - 1)))];
                int depth = random.Next(1, 4), outputs = groups * random.Next(1, 8);
                var geometry = new NaiveConvolution(
                    Two(1, 4), low, high, dilation, Two(1, 3), groups, random.Next(2) == 0);
                int[] x = [random.Next(1, 4), random.Next(1, 12), random.Next(1, 12), groups * depth];
                int[] w = [outputs, .. kernel, depth];
                if (Enumerable.Range(0, 2).All(axis => x[axis + 1] > dilation[axis] * (kernel[axis] - 1)
                    && (!isPlain || geometry.ReachesEnd(axis, x[axis + 1], kernel[axis]))))
                    return new(Numbers.Random(random, type, x), Numbers.Random(random, type, w), geometry);
            }
        }

        public override string ToString() =>
            $"x [{string.Join(", ", X.Shape)}], w [{string.Join(", ", W.Shape)}], {Geometry.Arguments}";
    }
}
