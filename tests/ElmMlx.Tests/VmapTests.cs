using System.Text.Json;
using ElmMlx.Bindings;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>Functions on every index of an axis at once, against the function on one index after the other.</summary>
// Alone: while MLX transforms a function on one thread, it refuses to evaluate on any other.
[Collection(GradientCollection.Name)]
public sealed class VmapTests
{
    private const int MaxCases = 3;

    public static TheoryData<string> Operations => [.. GoldenCases.Operations];

    // Inputs of the golden data, and half of each floating one, stacked in front or behind. Of MLX's own vmaps some are
    // missing, some give other shapes or values (arg reductions, partitions, scatters, irfft2), and some end the
    // process.
    [Theory]
    [MemberData(nameof(Operations))]
    public void Golden_operations_have_one_axis_more(string operation)
    {
        if (TestProvider.IsMlx)
            return;
        int count = 0;
        foreach (GoldenCase golden in GoldenCases.Of(operation).Where(IsPlain).Take(MaxCases))
        {
            using var arena = new NativeArena();
            GoldenTensor[] first = [.. golden.Inputs.SelectMany(keys => Tensors(golden, keys))];
            GoldenTensor[] second = [.. first.Select(Half)];
            bool isBehind = count++ % 2 == 1;
            mlx_array[] stacked = [.. first.Zip(second, (x, y) => Stack(arena, x, y, isBehind ? x.Shape.Length : 0))];
            mlx_array[] Apply(mlx_array[] inputs) =>
                CFunction.Of(operation).Call(arena, Nested(golden, inputs), golden.Arguments);
            mlx_array[] results = NativeVmap.Run(
                arena, Apply, stacked, [.. first.Select(x => isBehind ? x.Shape.Length : 0)]);
            mlx_array[] one = Apply([.. first.Select(arena.New)]), other = Apply([.. second.Select(arena.New)]);
            for (int i = 0; i < results.Length; i++)
            {
                GoldenTensor got = arena.Read(results[i]);
                mlx_array[] both = [one[i], other[i]];
                GoldenTensor want = arena.Read(CFunction.Call(arena, "stack_axis", [both], "{}"));
                bool isHalf = want.Type is MLX_FLOAT16 or MLX_BFLOAT16;
                string? difference = GoldenValues.Difference(got, want, isHalf ? 2e-2 : 1e-4, isHalf ? 2e-2 : 1e-5);
                Assert.True(difference is null, $"{golden.Name}, output {i}: {difference}");
            }
        }
    }

    [Fact]
    public void Axes_may_lie_anywhere_and_be_missing()
    {
        using var arena = new NativeArena();
        GoldenTensor x = Numbers.Random(new(1), MLX_FLOAT32, 3, 4, 5), w = Numbers.Random(new(2), MLX_FLOAT32, 4, 2);
        mlx_array result = NativeVmap.Run(
            arena, inputs => CFunction.Call(arena, "matmul", inputs[0], inputs[1]), [arena.New(x), arena.New(w)],
            [2, -1], [1])[0];
        GoldenTensor got = arena.Read(result);
        Assert.Equal([3, 5, 2], got.Shape);
        double[] a = x.Doubles(), b = w.Doubles(), c = got.Doubles();
        for (int i = 0; i < c.Length; i++)
        {
            (int row, int slice, int column) = (i / 10, i / 2 % 5, i % 2);
            double want = Enumerable.Range(0, 4).Sum(k => a[(row * 4 + k) * 5 + slice] * b[k * 2 + column]);
            Assert.Equal(want, c[i], 1e-5);
        }
    }

    [Fact]
    public void What_does_not_depend_on_the_inputs_is_repeated()
    {
        using var arena = new NativeArena();
        mlx_array x = arena.New(Numbers.Random(new(1), MLX_FLOAT32, 3, 2));
        mlx_array constant = arena.New(Numbers.Of(MLX_FLOAT32, [2], [5, 6]));
        GoldenTensor got = arena.Read(NativeVmap.Run(arena, _ => [constant], [x], [0])[0]);
        Assert.Equal([3, 2], got.Shape);
        Assert.Equal([5, 6, 5, 6, 5, 6], got.Doubles());
    }

    [Fact]
    public void A_gradient_of_each_row_is_the_rows_gradient()
    {
        using var arena = new NativeArena();
        GoldenTensor x = Numbers.Random(new(1), MLX_FLOAT32, 6, 4);
        mlx_array one = arena.New(Numbers.Of(MLX_FLOAT32, [], [1]));
        mlx_array[] Gradient(mlx_array[] row) => NativeGradients.Vjp(arena, Product, row, [one]).Gradients;
        double[] got = arena.Read(NativeVmap.Run(arena, Gradient, [arena.New(x)], [0])[0]).Doubles();
        double[] values = x.Doubles();
        for (int i = 0; i < got.Length; i++)        // the product of a row's others
        {
            double want = Enumerable.Range(i / 4 * 4, 4).Where(k => k != i).Aggregate(1.0, (p, k) => p * values[k]);
            Assert.Equal(want, got[i], 1e-5);
        }

        mlx_array[] Product(mlx_array[] inputs) =>
            [CFunction.Call(arena, "prod", [inputs[0]], """{"keepdims": false}""")];
    }

    [Fact]
    public void Maps_nest_and_have_gradients()
    {
        using var arena = new NativeArena();
        GoldenTensor x = Numbers.Random(new(3), MLX_FLOAT32, 2, 3, 4), g = Numbers.Random(new(4), MLX_FLOAT32, 2, 3);
        mlx_array[] Norms(mlx_array[] inputs) => NativeVmap.Run(arena, Rows, inputs, [0]);
        mlx_array[] Rows(mlx_array[] inputs) => NativeVmap.Run(arena, Square, inputs, [0]);
        mlx_array[] Square(mlx_array[] inputs) => [CFunction.Call(
            arena, "sum", [CFunction.Call(arena, "square", inputs[0])[0]], """{"keepdims": false}""")];
        (mlx_array[] values, mlx_array[] gradients) = NativeGradients.Vjp(arena, Norms, [arena.New(x)], [arena.New(g)]);
        double[] a = x.Doubles(), c = g.Doubles(), got = arena.Read(gradients[0]).Doubles();
        Assert.Equal([2, 3], arena.Read(values[0]).Shape);
        for (int i = 0; i < a.Length; i++)
            Assert.Equal(2 * a[i] * c[i / 4], got[i], 1e-5);
    }

    [Theory]
    [InlineData(new[] { 3, 2 }, new[] { 4, 2 })]
    [InlineData(new[] { 3, 2 }, new int[0])]
    public void Axes_that_do_not_go_together_are_refused(int[] first, int[] second)
    {
        using var arena = new NativeArena();
        mlx_array[] inputs =
        [
            arena.New(Numbers.Random(new(1), MLX_FLOAT32, first)),
            arena.New(Numbers.Random(new(1), MLX_FLOAT32, second)),
        ];
        Assert.Throws<RefusedException>(() => NativeVmap.Run(
            arena, pair => CFunction.Call(arena, "add", pair[0], pair[1]), inputs, [0, 0]));
    }

    private static bool IsPlain(GoldenCase golden) => golden.Transform is null && !golden.IsRefused
        && golden.Compare != "distribution" && !golden.Record.TryGetProperty("views", out _)
        && golden.Operation != "promotion_table"
        && golden.Inputs.Any(keys => keys.ValueKind != JsonValueKind.Null);

    private static IEnumerable<GoldenTensor> Tensors(GoldenCase golden, JsonElement keys) => keys.ValueKind switch
    {
        JsonValueKind.Null => [],
        JsonValueKind.Array => golden.Optional(keys).OfType<GoldenTensor>(),
        _ => [golden.Tensors[keys.GetString()!]],
    };

    // The case's inputs again, with arrays in the place of their tensors
    private static object?[] Nested(GoldenCase golden, mlx_array[] flat)
    {
        var nested = new List<object?>();
        int next = 0;
        foreach (JsonElement keys in golden.Inputs)
        {
            if (keys.ValueKind == JsonValueKind.Array)
            {
                nested.Add(flat[next..(next + keys.GetArrayLength())]);
                next += keys.GetArrayLength();
            }
            else
            {
                nested.Add(keys.ValueKind == JsonValueKind.Null ? null : flat[next++]);
            }
        }

        return [.. nested];
    }

    private static GoldenTensor Half(GoldenTensor x) => x.Type is MLX_FLOAT32 or MLX_FLOAT64 or MLX_COMPLEX64
        ? Numbers.Of(x.Type, x.Shape, [.. x.Doubles().Select(value => value / 2)])
        : x;

    private static mlx_array Stack(NativeArena arena, GoldenTensor x, GoldenTensor y, int axis) => CFunction.Call(
        arena, "stack_axis", [(mlx_array[])[arena.New(x), arena.New(y)]], $$"""{"axis": {{axis}}}""");
}
