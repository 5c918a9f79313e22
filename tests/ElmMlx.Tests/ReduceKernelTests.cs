using ElmMlx.Bindings;
using ElmMlx.Cpu;
using ElmMlx.Cpu.Kernels;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;
using static ElmMlx.Tests.ElementwiseKernelTests;

namespace ElmMlx.Tests;

[Collection(nameof(VectorWidth))]
public sealed unsafe class ReduceKernelTests
{
    private static readonly Dictionary<string, (Func<Node, int[], Node> Run, Func<double[], double> Naive)>
        ReductionsByName = new()
        {
            ["sum"] = ((a, axes) => Ops.Sum(a, axes, keepDims: false), x => x.Sum()),
            ["max"] = ((a, axes) => Ops.Max(a, axes, keepDims: false), x => x.Max()),
            ["min"] = ((a, axes) => Ops.Min(a, axes, keepDims: false), x => x.Min()),
            ["any"] = ((a, axes) => Ops.Any(a, axes, keepDims: false), x => x.Any(v => v != 0) ? 1 : 0),
            ["all"] = ((a, axes) => Ops.All(a, axes, keepDims: false), x => x.All(v => v != 0) ? 1 : 0),
            ["mean"] = ((a, axes) => Ops.Mean(a, axes, keepDims: false), x => x.Average()),
            ["var"] = ((a, axes) => Ops.Var(a, axes, keepDims: false, ddof: 0), Variance),
            ["logsumexp"] = ((a, axes) => Ops.LogSumExp(a, axes, keepDims: false), x => Math.Log(x.Sum(Math.Exp))),
            ["median"] = ((a, axes) => Ops.Median(a, axes, keepDims: false), Median),
        };

    public static TheoryData<string, mlx_dtype, int> Reductions()
    {
        var rows = new TheoryData<string, mlx_dtype, int>();
        foreach (string name in ReductionsByName.Keys)
        {
            mlx_dtype[] types = [MLX_FLOAT32, MLX_BFLOAT16, MLX_FLOAT16, MLX_FLOAT64, MLX_INT32, MLX_INT8];
            foreach (mlx_dtype type in types)
            {
                foreach (int width in KernelMemory.Widths)
                    rows.Add(name, type, width);
            }
        }

        return rows;
    }

    public static TheoryData<int> Widths() => new(KernelMemory.Widths);

    [Theory]
    [MemberData(nameof(Reductions))]
    public void Reduction_of_any_view_equals_the_naive_one(string name, mlx_dtype type, int width)
    {
        (Func<Node, int[], Node> run, Func<double[], double> naive) = ReductionsByName[name];
        Node source = Numbers([4, 6, 70], type);
        (Node View, int[] Shape)[] views =
        [
            (source, [4, 6, 70]),
            (Ops.Transpose(source, [2, 0, 1]), [70, 4, 6]),
            (Ops.Slice(source, [0, 1, 69], [4, 6, -71], [1, 2, -3]), [4, 3, 24]),
            (Ops.BroadcastTo(Numbers([6, 1], type), [5, 6, 9]), [5, 6, 9]),
        ];
        int[][] axisLists = [[0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]];
        foreach ((Node view, int[] shape) in views)
        {
            Node x = Held(view);
            Evaluator.Evaluate(x);
            Assert.Equal(shape, x.Shape);
            double[] elements = Doubles(x);
            foreach (int[] axes in axisLists)
            {
                Node y = Held(run(x, axes));
                int widest = VectorWidth.Max;
                VectorWidth.Max = width;
                try
                {
                    Evaluator.Evaluate(y);
                }
                finally
                {
                    VectorWidth.Max = widest;
                }

                double tolerance = y.Type switch
                {
                    MLX_BFLOAT16 => 8e-3,
                    MLX_FLOAT16 => 1e-3,
                    MLX_FLOAT32 => 1e-5,
                    MLX_FLOAT64 => 1e-12,
                    _ => 0,
                };
                double[] got = Doubles(y), want = Naive(elements, shape, axes, naive);
                Assert.Equal(want.Length, got.Length);
                for (int i = 0; i < got.Length; i++)
                {
                    Assert.True(Math.Abs(got[i] - want[i]) <= tolerance * (1 + Math.Abs(want[i])),
                        $"{name} of ({string.Join(",", shape)}) over {string.Join(",", axes)}, {i}: "
                        + $"{got[i]}, not {want[i]}");
                }
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(70_001)]
    public void Fold_of_ones_counts_them(int n)
    {
        foreach (int width in KernelMemory.Widths)
        {
            using var memory = new KernelMemory(seed: 3);
            byte* result = memory.RunTwice(width, 4, to =>
            {
                Node ones = Ops.BroadcastTo(Ops.Scalar(1, MLX_BFLOAT16), [n]);
                Node sum = Held(Ops.Sum(Ops.AsType(ones, MLX_FLOAT32), [0], keepDims: false));
                Evaluator.Evaluate(sum);
                *(float*)to = *(float*)sum.Data;
            });
            Assert.Equal(n, *(float*)result);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Long_sums_give_the_same_bits_on_one_thread_and_three(int width)
    {
        using var memory = new KernelMemory(seed: 4);
        Node x = Numbers([257, 300], MLX_FLOAT32);
        foreach (int[] axes in (int[][])[[0], [1], [0, 1]])
        {
            memory.RunTwice(width, 300 * 4, to =>
            {
                Node y = Held(Ops.Sum(Ops.Exp(x), axes, keepDims: false));
                Evaluator.Evaluate(y);
                new ReadOnlySpan<float>(y.Data, (int)y.Size).CopyTo(new Span<float>((void*)to, 300));
            });
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void NaN_is_the_result_of_max_min_and_sum(int width)
    {
        foreach (int at in (ReadOnlySpan<int>)[0, 1, 15, 40, 99])
        {
            Node x = Numbers([100], MLX_FLOAT32);
            ((float*)x.Data)[at] = float.NaN;
            Node[] results =
                [Held(Ops.Max(x, [0], false)), Held(Ops.Min(x, [0], false)), Held(Ops.Sum(x, [0], false))];
            int widest = VectorWidth.Max;
            VectorWidth.Max = width;
            Evaluator.Evaluate(results);
            VectorWidth.Max = widest;
            Assert.All(results, result => Assert.True(float.IsNaN(*(float*)result.Data), $"NaN at {at} was lost"));
        }
    }

    [Theory]
    [InlineData(MLX_FLOAT32)]
    [InlineData(MLX_BFLOAT16)]
    [InlineData(MLX_INT32)]
    [InlineData(MLX_UINT8)]
    public void Argmax_finds_the_first_of_equal_ones(mlx_dtype type)
    {
        // Longer than a tile; the largest stands at 700 and 900, the smallest at 3 and 1000.
        Node x = Held(Ops.AsType(Ops.Abs(Numbers([1200], MLX_FLOAT32)), MLX_FLOAT32));
        Evaluator.Evaluate(x);
        for (int i = 0; i < 1200; i++)
            ((float*)x.Data)[i] = i is 700 or 900 ? 90 : i is 3 or 1000 ? 1 : 5 + i % 7;
        Node typed = Held(Ops.AsType(x, type));
        Node max = Held(Ops.ArgMax(typed, 0, keepDims: false)), min = Held(Ops.ArgMin(typed, 0, keepDims: false));
        Evaluator.Evaluate([typed, max, min]);
        Assert.Equal(700u, *(uint*)max.Data);
        Assert.Equal(3u, *(uint*)min.Data);
    }

    [Theory]
    [InlineData(MLX_FLOAT32)]
    [InlineData(MLX_FLOAT16)]
    [InlineData(MLX_BFLOAT16)]
    [InlineData(MLX_FLOAT64)]
    [InlineData(MLX_INT32)]
    [InlineData(MLX_INT8)]
    [InlineData(MLX_UINT16)]
    [InlineData(MLX_INT64)]
    public void Sort_orders_every_row_and_argsort_is_stable(mlx_dtype type)
    {
        foreach (int n in (ReadOnlySpan<int>)[1, 2, 7, 48, 49, 300])
        {
            Node x = Held(Ops.AsType(Numbers([3, n], MLX_FLOAT32), type));
            Node sorted = Held(Ops.Sort(x, 1)), order = Held(Ops.ArgSort(x, 1));
            Evaluator.Evaluate([x, sorted, order]);
            double[] elements = Doubles(x), ordered = Doubles(sorted), indices = Doubles(order);
            for (int row = 0; row < 3; row++)
            {
                double[] line = elements[(row * n)..((row + 1) * n)];
                int[] expected = [.. Enumerable.Range(0, n).OrderBy(i => line[i])];        // stable
                Assert.Equal(expected, indices[(row * n)..((row + 1) * n)].Select(i => (int)i));
                Assert.Equal(expected.Select(i => line[i]), ordered[(row * n)..((row + 1) * n)]);
            }
        }
    }

    [Fact]
    public void Sort_puts_NaN_last_and_infinities_at_the_ends()
    {
        foreach (int n in (ReadOnlySpan<int>)[9, 90])
        {
            Node x = Numbers([n], MLX_FLOAT32);
            var elements = (float*)x.Data;
            (elements[0], elements[1], elements[2], elements[3]) =
                (float.NaN, float.PositiveInfinity, float.NegativeInfinity, -float.NaN);
            Node sorted = Held(Ops.Sort(x, 0));
            Evaluator.Evaluate(sorted);
            double[] ordered = Doubles(sorted);
            Assert.Equal(double.NegativeInfinity, ordered[0]);
            Assert.Equal([double.PositiveInfinity, double.NaN, double.NaN], ordered[^3..]);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Softmax_rows_equal_the_naive_ones(int width)
    {
        using var memory = new KernelMemory(seed: 11);
        foreach (int n in Enumerable.Range(1, 70).Append(1000))
        {
            Node x = Numbers([3, n], MLX_FLOAT32);
            byte* got = memory.RunTwice(width, 3L * n * 4, to =>
            {
                Node y = Held(Ops.Softmax(x, [1]));
                Evaluator.Evaluate(y);
                new ReadOnlySpan<float>(y.Data, 3 * n).CopyTo(new Span<float>((void*)to, 3 * n));
            });
            double[] elements = Doubles(x);
            for (int i = 0; i < 3 * n; i++)
            {
                double[] row = elements[(i / n * n)..((i / n + 1) * n)];
                double want = Math.Exp(elements[i]) / row.Sum(Math.Exp);
                float y = ((float*)got)[i];
                Assert.True(Math.Abs(y - want) <= 2e-6 * want, $"{i} of {n}: {y}, not {want}");
            }
        }
    }

    private static double Variance(double[] x)
    {
        double mean = x.Average();
        return x.Average(v => (v - mean) * (v - mean));
    }

    private static double Median(double[] x)
    {
        double[] sorted = [.. x.Order()];
        int n = sorted.Length;
        return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2] + sorted[n / 2 - 1]) / 2;
    }

    // Groups elements by the indices that stay.
    private static double[] Naive(double[] elements, int[] shape, int[] axes, Func<double[], double> reduce)
    {
        var groups = new SortedDictionary<int, List<double>>();
        for (int i = 0; i < elements.Length; i++)
        {
            int rest = i, key = 0, scale = 1;
            for (int axis = shape.Length - 1; axis >= 0; axis--)
            {
                if (!axes.Contains(axis))
                {
                    key += rest % shape[axis] * scale;
                    scale *= shape[axis];
                }

                rest /= shape[axis];
            }

            if (!groups.TryGetValue(key, out List<double>? group))
                groups[key] = group = [];
            group.Add(elements[i]);
        }

        return [.. groups.Values.Select(group => reduce([.. group]))];
    }
}
