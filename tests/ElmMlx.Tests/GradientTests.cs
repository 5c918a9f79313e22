using System.Runtime.InteropServices;
using System.Text.Json;
using CsCheck;
using ElmMlx.Bindings;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Derivatives of operations, against differences and by MLX's rules.</summary>
[Collection(GradientCollection.Name)]
public class GradientTests
{
    // Each keeps numbers between −1.6 and 1.6, whatever they were.
    private static readonly string[] Bounded = ["sin", "cos", "tanh", "arctan", "sigmoid", "erf"];

    private static readonly string[] Unbounded =
        ["negative", "exp", "expm1", "square", "sinh", "cosh", "arcsinh", "sin", "sigmoid"];

    private static readonly string[] Pairs = ["add", "subtract", "multiply", "logaddexp"];

    public static TheoryData<string> Cases => [.. GradientCases.Names];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Derivatives_are_what_differences_say(string name)
    {
        GradientCase each = GradientCases.Of(name);
        var random = new Random(7);
        GradientInput[] free = [.. each.Inputs.Where(input => !input.IsConstant)];
        double[][] at = [.. free.Select(input => input.Draw(random))];
        using var arguments = JsonDocument.Parse(each.Arguments);
        var check = new FiniteDifferences(
            (arena, arrays) => CFunction.Of(each.Operation).Call(
                arena, Inputs(arena, each, arrays), arguments.RootElement),
            [.. free.Select(input => input.Shape)], at, random);
        double[][] directions = [.. free.Select(input => (input with { Low = -1, High = 1 }).Draw(random))];
        Assert.Null(check.GradientDifference());
        if (!TestProvider.IsMlx || each.NoSecondInMlx is null)
            Assert.Null(check.SecondDifference(directions));
        if (!TestProvider.IsMlx || each.NoTangentInMlx is null)
            Assert.Null(check.TangentDifference(directions));
    }

    [Fact]
    public void Gradient_of_any_chain_is_what_differences_say()
    {
        // A step takes two of the numbers so far, [2, 1] and [3] at first, and makes another.
        var step = Gen.Int[0, Pairs.Length - 1].Select(
            Gen.Int[0, Unbounded.Length - 1], Gen.Int[0, Bounded.Length - 1], Gen.Int[0, 99], Gen.Int[0, 99]);
        step.Array[1, 6].Select(Gen.Double[-1, 1].Array[5]).Sample((steps, numbers) =>
        {
            var check = new FiniteDifferences(
                (arena, arrays) =>
                {
                    List<mlx_array> known = [.. arrays];
                    foreach ((int pair, int unbounded, int bounded, int left, int right) in steps)
                    {
                        mlx_array both =
                            Call(arena, Pairs[pair], known[left % known.Count], known[right % known.Count]);
                        known.Add(Call(arena, Bounded[bounded], Call(arena, Unbounded[unbounded], both)));
                    }

                    return [known[^1], known[^2]];
                },
                [[2, 1], [3]], [numbers[..2], numbers[2..]], new Random(steps.Length));
            return check.GradientDifference() is null;
        }, iter: 100, threads: 1);
    }

    /// <summary>
    /// Where a function has a corner, a pole or a hole: operation, arguments, inputs, gradients for ones.
    /// </summary>
    public static TheoryData<string, string, double[][], double[][]> Corners => new()
    {
        { "maximum", "{}", [[1, 2, 3], [1, 1, 4]], [[0, 1, 0], [1, 0, 1]] },
        { "minimum", "{}", [[1, 2, 3], [1, 1, 4]], [[0, 0, 1], [1, 1, 0]] },
        { "maximum", "{}", [[double.NaN], [1]], [[0], [0]] },
        { "clip", "{}", [[-1, 0, 1, 2, 3], [0], [2]], [[0, 0, 1, 0, 0], [2], [2]] },
        { "max_axis", """{"axis": 0}""", [[3, 1, 3, 2]], [[0.5, 0, 0.5, 0]] },
        { "min_axis", """{"axis": 0}""", [[1, 1, 1, 2]], [[1 / 3.0, 1 / 3.0, 1 / 3.0, 0]] },
        { "prod_axis", """{"axis": 0}""", [[2, 0, 3]], [[0, 6, 0]] },
        { "prod_axis", """{"axis": 0}""", [[0, 0, 3]], [[0, 0, 0]] },
        { "cumprod", """{"axis": 0, "inclusive": true}""", [[2, 0, 3, 5]], [[1, 2 + 6 + 30, 0, 0]] },
        { "cumprod", """{"axis": 0, "inclusive": true}""", [[2, 0, 3, 0]], [[1, 2 + 6, 0, 0]] },
        { "abs", "{}", [[0, -2]], [[0, -1]] },
        { "sign", "{}", [[0, 3]], [[0, 0]] },
        { "sqrt", "{}", [[0, 4]], [[double.PositiveInfinity, 0.25]] },
        { "log", "{}", [[0, 2]], [[double.PositiveInfinity, 0.5]] },
        { "power", "{}", [[0, -2, 3], [2, 2, 0]], [[0, -4, 0], [0, double.NaN, Math.Log(3)]] },
        { "arctan2", "{}", [[0, 1], [0, 0]], [[double.NaN, 0], [double.NaN, -1]] },
        { "std_axis", """{"axis": 0}""", [[2, 2]], [[double.NaN, double.NaN]] },
        { "remainder", "{}", [[5, -5], [3, 3]], [[1, 1], [-1, 2]] },
        { "divmod", "{}", [[5, -5], [3, 3]], [[0, 0], [0, 0]] },
        { "where", "{}", [[0, 1], [2, 3], [4, 5]], [[0, 0], [0, 1], [1, 0]] },
        { "logsumexp_axis", """{"axis": 0}""", [[double.NegativeInfinity, 1]], [[0, 1]] },
        { "softmax_axis", """{"axis": 0}""", [[double.NegativeInfinity, 1, 1]], [[0, 0, 0]] },
    };

    [Theory]
    [MemberData(nameof(Corners))]
    public void Gradient_at_a_corner_follows_the_rule(
        string operation, string arguments, double[][] inputs, double[][] gradients)
    {
        using var arena = new NativeArena();
        mlx_array[] primals = [.. inputs.Select(numbers => Numbers(arena, numbers))];
        using var json = JsonDocument.Parse(arguments);
        mlx_array[] Apply(mlx_array[] arrays) =>
            CFunction.Of(operation).Call(arena, [.. arrays.Cast<object?>()], json.RootElement);
        mlx_array[] ones = [.. Apply(primals).Select(value => Call(arena, "ones_like", value))];
        mlx_array[] got = NativeGradients.Vjp(arena, Apply, primals, ones).Gradients;
        Assert.Equal(gradients.Length, got.Length);
        for (int i = 0; i < got.Length; i++)
            Assert.Equal(gradients[i], arena.Read(got[i]).Doubles(), (a, b) => a.Equals(b) || Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void Mixed_dtypes_get_gradients_of_their_own()
    {
        using ArrayScope scope = new();
        MlxArray x = MlxArray.From<float>([1, 2], 2), y = MlxArray.From<float>([3], 1).AsType(DType.BFloat16);
        MlxArray[] gradients = Transforms.Grad(a => (a[0] * a[1]).Sum(), [x, y]);
        Assert.Equal((DType.Float32, DType.BFloat16), (gradients[0].DType, gradients[1].DType));
        Assert.Equal([3f, 3f], gradients[0].ToArray<float>());
        Assert.Equal(3f, gradients[1].AsType(DType.Float32).Item<float>());
    }

    [Fact]
    public void Sums_of_half_precision_have_gradients_in_it()
    {
        using ArrayScope scope = new();
        MlxArray x = MlxArray.From<float>([1, 2, 3, 4], 2, 2).AsType(DType.BFloat16);
        MlxArray gradient = Transforms.Grad(a => a[0].Mean(1).Sum(), [x])[0];
        Assert.Equal(DType.BFloat16, gradient.DType);
        Assert.Equal([0.5f, 0.5f, 0.5f, 0.5f], gradient.AsType(DType.Float32).ToArray<float>());
    }

    [Fact]
    public void Rows_of_an_embedding_meet_in_float32()
    {
        if (TestProvider.IsMlx)
            return;     // adds in bfloat16: 256 + 1 = 256
        using ArrayScope scope = new();
        MlxArray table = MlxArray.Zeros([3, 2], DType.BFloat16);
        MlxArray tokens = MlxArray.From<int>([.. Enumerable.Range(0, 301).Select(i => i == 150 ? 2 : 0)], 301);
        MlxArray gradient = Transforms.Grad(a => a[0].Take(tokens, 0).Sum(), [table])[0];
        Assert.Equal([300f, 300f, 0f, 0f, 1f, 1f], gradient.AsType(DType.Float32).ToArray<float>());
    }

    [Fact]
    public void Parts_and_the_whole_add_up_in_either_order()
    {
        // the table as embedding and as output layer; each element of a row, and one of it
        using ArrayScope scope = new();
        MlxArray table = MlxArray.From<float>([1, 2, 3, 4, 5, 6], 3, 2);
        MlxArray tokens = MlxArray.From<int>([2, 0, 2], 3), place = MlxArray.From<int>([1, 0, 1], 3, 1);
        foreach (bool isFirst in (bool[])[true, false])
        {
            MlxArray[] gradients = Transforms.Grad(a =>
            {
                MlxArray square = isFirst ? a[0].Square().Sum() : a[0].Take(tokens, 0).Sum();
                MlxArray rows = isFirst ? a[0].Take(tokens, 0).Sum() : a[0].Square().Sum();
                return square + rows + a[0].TakeAlongAxis(place, 1).Sum();
            }, [table]);
            Assert.Equal([2f + 1, 4f + 1 + 1, 6f + 1, 8f, 10f + 2, 12f + 2 + 1], gradients[0].ToArray<float>());
        }
    }

    [Fact]
    public void Product_over_an_empty_axis_has_empty_gradients()
    {
        using ArrayScope scope = new();
        MlxArray x = MlxArray.Zeros([2, 3, 0]), w = MlxArray.Zeros([0, 4]);
        MlxArray[] gradients = Transforms.Grad(a => a[0].MatMul(a[1]).Sum(), [x, w]);
        Assert.Equal([2, 3, 0], gradients[0].Shape);
        Assert.Equal([0, 4], gradients[1].Shape);
        Assert.Empty(gradients[1].ToArray<float>());
    }

    [Fact]
    public void Parts_that_nobody_uses_get_zeros()
    {
        using ArrayScope scope = new();
        MlxArray x = MlxArray.From<float>([1, 2, 3, 4, 5, 6], 2, 3);
        MlxArray[] one = Transforms.Grad(a => a[0].Split([1, 1, 2], 1)[2].Square().Sum(), [x]);
        Assert.Equal([0f, 4f, 0f, 0f, 10f, 0f], one[0].ToArray<float>());
        MlxArray[] overlapping = Transforms.Grad(
            a => a[0].Split([2, 1], 1).Select(part => part.Sum()).Aggregate((b, c) => b + c), [x]);
        Assert.Equal([1f, 2f, 1f, 1f, 2f, 1f], overlapping[0].ToArray<float>());     // :2, 2:1 and 1:
    }

    [Fact]
    public void An_exception_within_nested_derivatives_comes_out_and_leaves_nothing()
    {
        using ArrayScope outer = new();
        MlxArray x = MlxArray.From<float>(new float[1 << 16], 1 << 16);
        long before = MlxMemory.ActiveBytes;
        InvalidTimeZoneException thrown = new("mine");
        using (ArrayScope scope = new())
        {
            Assert.Same(thrown, Assert.Throws<InvalidTimeZoneException>(() => Transforms.Jvp(
                a => Transforms.Vjp(
                    b => throw (b[0].Exp().Sum().Item<float>() > 0 ? thrown : null!), a, [x]).Gradients,
                [x], [x])));
        }

        Assert.InRange(MlxMemory.ActiveBytes, 0, before);
    }

    [Fact]
    public void Derivatives_that_are_dropped_leave_nothing()
    {
        using ArrayScope outer = new();
        MlxArray x = MlxArray.From<float>(new float[1 << 12], 64, 64);
        long before = MlxMemory.ActiveBytes;
        foreach (Func<MlxArray, MlxArray> function in (Func<MlxArray, MlxArray>[])
            [a => a.Softmax(), a => a.LogSumExp(0), a => a.Max(1), a => a.Prod(0), a => a.CumSum(1), a => a.Sort(0),
            a => a.Split(4, 1)[2].Exp(), a => a[1.., ..3],
            a => a.Exp() + a.TakeAlongAxis(x.ArgMax(1, true), 1),
            a => (a * 0.5f).Exp().Sqrt() / (a.Square() + 1f), a => a.Maximum(0f).Power(2f)])
        {
            using ArrayScope scope = new();
            MlxArray[] unread = Transforms.Grad(a => function(a[0]).Sum(), [x]);
            MlxArray[] seconds = Transforms.Grad(
                a => Transforms.Grad(b => function(b[0]).Square().Sum(), a)[0].Sum(), [x]);
            seconds[0].Eval();
            (MlxArray[] values, MlxArray[] tangents) = Transforms.Jvp(a => [function(a[0])], [x], [x]);
        }

        Assert.InRange(MlxMemory.ActiveBytes, 0, before);
    }

    private static object?[] Inputs(NativeArena arena, GradientCase each, mlx_array[] arrays)
    {
        int next = 0;
        return [.. each.Inputs.Select(
            input => (object?)(input.IsConstant ? arena.New(input.Constant()) : arrays[next++]))];
    }

    private static mlx_array Numbers(NativeArena arena, double[] numbers) => arena.New(new GoldenTensor(
        mlx_dtype.MLX_FLOAT64, [numbers.Length],
        MemoryMarshal.AsBytes<double>(numbers).ToArray()));

    private static mlx_array Call(NativeArena arena, string operation, params object?[] inputs) =>
        CFunction.Call(arena, operation, inputs)[0];
}
