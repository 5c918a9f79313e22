using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// Gradients against central differences in float64, and against themselves one derivative further. One row an operation.
/// </summary>
[Collection(GradientCollection.Name)]
public class GradientTests
{
    // MLX computes exp, sin and their like of float64 with the precision of float32.
    private static readonly double Step = TestProvider.IsMlx ? 2e-3 : 1e-5;
    private static readonly double Tolerance = TestProvider.IsMlx ? 1e-3 : 1e-6;

    // Functions of x and y, both [3, 4] with elements between 0.2 and 0.9; no two elements of one are equal.
    private static readonly Dictionary<string, Func<MlxArray, MlxArray, MlxArray>> Functions = new()
    {
        ["add"] = (x, y) => x + y,
        ["subtract"] = (x, y) => x - y,
        ["multiply"] = (x, y) => x * y,
        ["divide"] = (x, y) => x / y,
        ["power"] = (x, y) => x.Power(y),
        ["maximum"] = (x, y) => x.Maximum(y),
        ["minimum"] = (x, y) => x.Minimum(y),
        ["logaddexp"] = (x, y) => x.LogAddExp(y),
        ["broadcast"] = (x, y) => x * y.Sum(0, keepDims: true) + y.Mean(1, keepDims: true),
        ["negative"] = (x, _) => -x,
        ["abs"] = (x, y) => (x - y).Abs(),
        ["square"] = (x, _) => x.Square(),
        ["exp"] = (x, _) => x.Exp(),
        ["expm1"] = (x, _) => x.Expm1(),
        ["log"] = (x, _) => x.Log(),
        ["log1p"] = (x, _) => x.Log1p(),
        ["sin"] = (x, _) => x.Sin(),
        ["cos"] = (x, _) => x.Cos(),
        ["tanh"] = (x, _) => x.Tanh(),
        ["sigmoid"] = (x, _) => x.Sigmoid(),
        ["sqrt"] = (x, _) => x.Sqrt(),
        ["rsqrt"] = (x, _) => x.Rsqrt(),
        ["reciprocal"] = (x, _) => x.Reciprocal(),
        ["where"] = (x, y) => MlxArray.Where(x.Greater(y), x * y, y),
        ["sum"] = (x, y) => x.Sum(1) * y.Sum(1),
        ["mean"] = (x, y) => x.Mean(0) * y.Mean(0),
        ["max"] = (x, y) => x.Max(1) * y.Min(1),
        ["prod"] = (x, y) => x.Prod(1) + y.Prod(1),
        ["logsumexp"] = (x, y) => x.LogSumExp(1) * y.LogSumExp(1),
        ["softmax"] = (x, y) => x.Softmax(-1) * y,
        ["cumsum"] = (x, y) => x.CumSum(1) * y,
        ["matmul"] = (x, y) => x.MatMul(y.Transpose()),
        ["reshape"] = (x, y) => x.Reshape(2, 6) * y.Reshape(6, 2).Transpose(),
        ["split"] = (x, y) => x.Split(2, 1)[0] * y.Split(2, 1)[1],
        ["take"] = (x, y) => x.Take(MlxArray.From<int>([2, 0, 2], 3), 0) * y,
        ["take_along_axis"] = (x, y) =>
            x.TakeAlongAxis(MlxArray.From<int>([3, 1, 1, 0, 2, 2], 3, 2), 1) * y.Split(2, 1)[0],
    };

    public static TheoryData<string> Names() => [.. Functions.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradient_is_the_slope(string name)
    {
        using ArrayScope scope = new();
        Func<MlxArray, MlxArray, MlxArray> function = Functions[name];
        double[] x = Numbers(1), y = Numbers(2);
        MlxArray[] gradients = Transforms.Grad(a => Weighted(function(a[0], a[1])), [Array(x), Array(y)]);
        Compare(name, x, gradients[0], at => Value(function, at, y));
        Compare(name, y, gradients[1], at => Value(function, x, at));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Second_gradient_is_the_slope_of_the_first(string name)
    {
        using ArrayScope scope = new();
        Func<MlxArray, MlxArray, MlxArray> function = Functions[name];
        double[] x = Numbers(1), y = Numbers(2);
        MlxArray First(MlxArray a) =>
            Weighted(Transforms.Grad(inner => Weighted(function(inner[0], Array(y))), [a])[0]);
        MlxArray second = Transforms.Grad(a => First(a[0]), [Array(x)])[0];
        Compare(name, x, second, at =>
        {
            using ArrayScope inner = new();
            return First(Array(at)).Item<double>();
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Tangent_is_the_directional_slope(string name)
    {
        if (TestProvider.IsMlx && name == "logsumexp")
            return;     // docs/differences.md: MLX's jvp of it has the wrong shape
        using ArrayScope scope = new();
        Func<MlxArray, MlxArray, MlxArray> function = Functions[name];
        double[] x = Numbers(1), y = Numbers(2), direction = Numbers(3);
        (_, MlxArray[] tangents) = Transforms.Jvp(a => [function(a[0], Array(y))], [Array(x)], [Array(direction)]);
        double[] up = Along(Step), down = Along(-Step), got = tangents[0].ToArray<double>();
        for (int i = 0; i < got.Length; i++)
            Assert.Equal((up[i] - down[i]) / (2 * Step), got[i], Tolerance * Math.Max(1, Math.Abs(got[i])));

        double[] Along(double by)
        {
            using ArrayScope inner = new();
            return function(Array([.. x.Select((value, i) => value + by * direction[i])]), Array(y)).ToArray<double>();
        }
    }

    [Fact]
    public void Sorting_sends_gradients_back_where_the_elements_came_from()
    {
        if (TestProvider.IsMlx)
            return;     // docs/differences.md: MLX's is another permutation
        using ArrayScope scope = new();
        double[] x = Numbers(1);
        MlxArray gradient = Transforms.Grad(a => Weighted(a[0].Sort(1)), [Array(x)])[0];
        Compare("sort", x, gradient, at => Value((a, _) => a.Sort(1), at, x));
    }

    private static void Compare(string name, double[] x, MlxArray gradient, Func<double[], double> value)
    {
        double[] got = gradient.ToArray<double>();
        for (int i = 0; i < x.Length; i++)
        {
            double[] up = [.. x], down = [.. x];
            up[i] += Step;
            down[i] -= Step;
            double slope = (value(up) - value(down)) / (2 * Step);
            Assert.True(
                Math.Abs(slope - got[i]) <= Tolerance * Math.Max(1, Math.Abs(slope)),
                $"{name}: the slope at {i} is {slope:g9}, the gradient {got[i]:g9}");
        }
    }

    private static double Value(Func<MlxArray, MlxArray, MlxArray> function, double[] x, double[] y)
    {
        using ArrayScope scope = new();
        return Weighted(function(Array(x), Array(y))).Item<double>();
    }

    // A scalar to which no two elements give the same.
    private static MlxArray Weighted(MlxArray x)
    {
        double[] weights = [.. Enumerable.Range(0, (int)x.Size).Select(i => Math.Cos(i + 0.5))];
        return (x * MlxArray.From<double>(weights, x.Shape)).Sum();
    }

    private static MlxArray Array(double[] values) => MlxArray.From<double>(values, 3, 4);

    private static double[] Numbers(int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, 12).Select(_ => 0.2 + 0.7 * random.NextDouble())];
    }
}
