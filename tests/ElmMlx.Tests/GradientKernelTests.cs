using ElmMlx.Bindings;
using ElmMlx.Cpu;
using ElmMlx.Cpu.Kernels;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

[Collection(nameof(VectorWidth))]
public sealed unsafe class GradientKernelTests
{
    public static TheoryData<int, mlx_dtype> WidthsAndTypes() => MatMulKernelTests.WidthsAndTypes();

    [Theory]
    [MemberData(nameof(WidthsAndTypes))]
    public void Softmax_gradient_equals_the_naive_twin(int width, mlx_dtype type)
    {
        foreach ((int rows, int size) in (ReadOnlySpan<(int, int)>)[(1, 1), (3, 7), (5, 64), (40, 1283), (2, 33)])
        {
            using var memory = new KernelMemory(seed: rows + size);
            // Views: every second row of a larger array, and one row for all.
            var a = new SoftmaxGradientArguments
            {
                Width = size,
                Type = type,
                Y = memory.Numbers(2L * rows * size, type),
                YRows = new RowOffsets([rows, size], [2L * size, 1]),
                G = memory.Numbers(size, type),
                GRows = new RowOffsets([rows, size], [0, 1]),
            };
            long count = (long)rows * size, nBytes = count * (type == MLX_FLOAT32 ? 4 : 2);
            byte* actual = memory.RunTwice(
                width, nBytes, to => SoftmaxGradientKernels.Run(a with { Result = (void*)to }));
            SoftmaxGradientArguments wide = a with
            {
                Y = memory.Widened(a.Y, 2 * count, type),
                G = memory.Widened(a.G, size, type),
                Result = memory.Zeros(count * 4),
            };
            SoftmaxGradientKernels.RunNaive<float>(wide);
            KernelMemory.AssertClose((float*)wide.Result, actual, count, type, 2 * KernelMemory.Tolerance(type));
        }
    }

    [Theory]
    [MemberData(nameof(WidthsAndTypes))]
    public void Norm_gradients_equal_the_naive_twin(int width, mlx_dtype type)
    {
        // Up to several tasks, and to more rows than tasks.
        foreach ((int rows, int size) in (ReadOnlySpan<(int, int)>)[(1, 1), (3, 7), (5, 64), (40, 1283), (2, 33),
            (5000, 9)])
        {
            for (int form = 0; form < 4; form++)
            {
                using var memory = new KernelMemory(seed: rows + size);
                bool hasWeight = form % 2 == 1;
                long count = (long)rows * size, itemSize = type == MLX_FLOAT32 ? 4 : 2;
                // Views: every second row of a larger array, and one row for all.
                var a = new NormGradientArguments
                {
                    Forward = new NormArguments
                    {
                        Rows = new RowOffsets([rows, size], [2L * size, 1]),
                        Width = size,
                        Type = type,
                        X = memory.Numbers(2L * count, type),
                        Epsilon = 1e-2f,
                        Weight = hasWeight ? memory.Numbers(size, type) : null,
                    },
                    Centres = form / 2 == 1,
                    G = memory.Numbers(size, type),
                    GRows = new RowOffsets([rows, size], [0, 1]),
                };
                byte* actual = memory.RunTwice(
                    width, (count + 2 * size) * itemSize, to => NormGradientKernels.Run(At(a, to, itemSize)));
                NormGradientArguments wide = a with
                {
                    Forward = a.Forward with
                    {
                        Type = MLX_FLOAT32,
                        X = memory.Widened(a.Forward.X, 2 * count, type),
                        Weight = hasWeight ? memory.Widened(a.Forward.Weight, size, type) : null,
                    },
                    G = memory.Widened(a.G, size, type),
                };
                byte* expected = memory.Zeros((count + 2 * size) * 4);
                NormGradientKernels.RunNaive(At(wide, (nint)expected, 4));
                KernelMemory.AssertClose(
                    (float*)expected, actual, count + 2 * size, type, 10 * KernelMemory.Tolerance(type));
            }

            NormGradientArguments At(NormGradientArguments arguments, nint to, long itemSize)
            {
                arguments.OfX = (byte*)to;
                arguments.OfWeight = (byte*)to + (long)rows * size * itemSize;
                arguments.OfBias = (byte*)arguments.OfWeight + size * itemSize;
                return arguments;
            }
        }
    }

    [Theory]
    [MemberData(nameof(WidthsAndTypes))]
    public void Softmax_gradient_may_take_the_place_of_the_cotangent(int width, mlx_dtype type)
    {
        using var memory = new KernelMemory(seed: 5);
        const int Size = 3 * 37;
        byte* y = memory.Numbers(Size, type), g = memory.Numbers(Size, type);
        int itemSize = type == MLX_FLOAT32 ? 4 : 2;
        var rows = new RowOffsets([3, 37], [37, 1]);
        byte* Run(bool isInPlace) => memory.RunTwice(width, Size * itemSize, to =>
        {
            System.Buffer.MemoryCopy(g, (void*)to, Size * itemSize, Size * itemSize);
            SoftmaxGradientKernels.Run(new SoftmaxGradientArguments
            {
                Width = 37,
                Type = type,
                Y = y,
                YRows = rows,
                G = isInPlace ? (void*)to : g,
                GRows = rows,
                Result = (void*)to,
            });
        });
        Assert.True(new ReadOnlySpan<byte>(Run(isInPlace: false), Size * itemSize).SequenceEqual(
            new ReadOnlySpan<byte>(Run(isInPlace: true), Size * itemSize)));
    }

    [Theory]
    [InlineData(512)]
    [InlineData(256)]
    [InlineData(128)]
    [InlineData(0)]
    public void Log_sum_exp_gradient_equals_its_definition(int width)
    {
        foreach ((int rows, int size) in (ReadOnlySpan<(int, int)>)[(1, 1), (3, 7), (5, 64), (40, 1283)])
        {
            using var memory = new KernelMemory(seed: rows + size);
            var x = (float*)memory.Numbers(2L * rows * size, MLX_FLOAT32);
            var y = (float*)memory.Numbers(rows, MLX_FLOAT32);
            var g = (float*)memory.Numbers(rows, MLX_FLOAT32);
            var offsets = new RowOffsets([rows, size], [2L * size, 1]);
            byte* actual = memory.RunTwice(
                width, 4L * rows * size, to => LogSumExpGradientKernels.Run(x, offsets, size, y, g, (float*)to));
            var expected = (float*)memory.Zeros(4L * rows * size);
            for (int i = 0; i < rows * size; i++)
                expected[i] = (float)(g[i / size] * Math.Exp(x[offsets[i / size] + i % size] - (double)y[i / size]));
            KernelMemory.AssertClose(
                expected, actual, (long)rows * size, MLX_FLOAT32, KernelMemory.Tolerance(MLX_FLOAT32));
        }
    }

    [Theory]
    [InlineData(MLX_FLOAT64, 1e-12)]
    [InlineData(MLX_FLOAT32, 1e-5)]
    [InlineData(MLX_FLOAT16, 1e-2)]
    [InlineData(MLX_BFLOAT16, 8e-2)]
    public void Log_scan_gradient_equals_its_definition(mlx_dtype type, double tolerance)
    {
        const int Rows = 3, N = 9;
        for (int form = 0; form < 8; form++)
        {
            bool isReverse = form % 2 == 1, isInclusive = form / 2 % 2 == 1, isTransposed = form / 4 == 1;
            // Strided rows: a transposed x, and one cotangent for all rows.
            Node x = Held(Ops.Transpose(ElementwiseKernelTests.Numbers([N, Rows], type), [1, 0]));
            Node g = Held(Ops.BroadcastTo(ElementwiseKernelTests.Numbers([N], type), [Rows, N]));
            Node y = Held(Ops.LogCumSumExp(x, -1, isReverse, isInclusive));
            Node result = Held(Ops.Make(
                new LogScanGradient(isReverse, isInclusive, isTransposed), [Rows, N], type, x, y, g));
            Evaluator.Evaluate([x, y, g, result]);
            double[] xs = Elements(x), ys = Elements(y), gs = Elements(g), got = Elements(result);
            for (int at = 0; at < got.Length; at++)
            {
                double want = 0;
                for (int other = at / N * N; other < (at / N + 1) * N; other++)
                {
                    (int element, int sum) = isTransposed ? (other, at) : (at, other);
                    bool isPart = element == sum ? isInclusive : element < sum != isReverse;
                    if (isPart)
                        want += gs[other] * Math.Exp(xs[element] - ys[sum]);
                }

                Assert.True(Math.Abs(got[at] - want) <= tolerance * (1 + Math.Abs(want)),
                    $"form {form}, element {at}: {got[at]}, not {want}");
            }
        }
    }

    [Fact]
    public void Log_scan_gradient_does_not_overflow_and_gives_minus_infinity_nothing()
    {
        double inf = double.PositiveInfinity;
        double[] gradient = Gradient(
            a => Ops.LogCumSumExp(a, 0, isReverse: false, isInclusive: true), [-inf, -1000, -inf, 1000], [5, 1, 3, 2]);
        Assert.Equal([0, 4, 0, 2], gradient);
    }

    // Elements, and what each gets of the cotangents 1, 2, 4, 8. An element that equals the record takes over.
    [Theory]
    [InlineData(false, true, new double[] { 1, 3, 3, 2 }, new double[] { 1, 2, 4 + 8, 0 })]
    [InlineData(true, true, new double[] { 1, 3, 5, 4 }, new double[] { 0, 0, 1 + 2 + 4, 8 })]
    [InlineData(false, false, new double[] { 1, 3, 2, 9 }, new double[] { 2, 4 + 8, 0, 0 })]
    [InlineData(true, false, new double[] { 7, 3, 5, 4 }, new double[] { 0, 0, 1 + 2, 4 })]
    public void Running_maximum_pays_the_latest_record(bool isReverse, bool isInclusive, double[] x, double[] want)
    {
        Assert.Equal(want, Gradient(a => Ops.CumMax(a, 0, isReverse, isInclusive), x, [1, 2, 4, 8]));
        double[] negative = [.. x.Select(number => -number)];
        Assert.Equal(want, Gradient(a => Ops.CumMin(a, 0, isReverse, isInclusive), negative, [1, 2, 4, 8]));
    }

    private static double[] Gradient(Func<Node, Node> function, double[] x, double[] g)
    {
        (NodeVector values, NodeVector gradients) = Gradients.Vjp(
            a => new([function(a[0])]), [Array(x)], Gradients.Given([Array(g)]));
        Evaluator.Evaluate(gradients.Nodes[0]);
        double[] elements = Elements(gradients.Nodes[0]);
        values.Clear();
        gradients.Clear();
        return elements;
    }

    private static Node Array(double[] numbers)
    {
        var node = Node.New([numbers.Length], MLX_FLOAT64, Cpu.Buffer.Allocate(numbers.Length * sizeof(double)));
        numbers.CopyTo(new Span<double>(node.Data, numbers.Length));
        return Held(node);
    }

    private static Node Held(Node node) => ElementwiseKernelTests.Held(node);

    private static double[] Elements(Node node) => ElementwiseKernelTests.Doubles(node);
}
