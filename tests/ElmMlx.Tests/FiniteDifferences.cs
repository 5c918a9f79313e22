using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>
/// Derivatives of a function of float64 arrays, by its provider and by central differences of
/// S(x) = Σ weights · f(x).
/// </summary>
internal sealed class FiniteDifferences
{
    // MLX computes exp, sin and what is made of them to float32's precision in float64 too.
    private static readonly (double Step, double Tolerance, double TangentTolerance) Precision =
        TestProvider.IsMlx ? (2e-3, 2e-3, 1e-5) : (1e-5, 1e-6, 1e-9);

    private readonly Func<NativeArena, mlx_array[], mlx_array[]> _function;
    private readonly int[][] _shapes;
    private readonly double[][] _at, _weights;
    private readonly int[][] _outputShapes;

    /// <param name="function">From arrays to arrays, of float64.</param>
    /// <param name="shapes">Of the arguments.</param>
    /// <param name="at">The arguments' elements.</param>
    /// <param name="random">For the weights. Results that are not finite get none.</param>
    public FiniteDifferences(
        Func<NativeArena, mlx_array[], mlx_array[]> function, int[][] shapes, double[][] at, Random random)
    {
        (_function, _shapes, _at) = (function, shapes, at);
        using var arena = new NativeArena();
        GoldenTensor[] values = [.. function(arena, Arrays(arena, shapes, at)).Select(arena.Read)];
        _outputShapes = [.. values.Select(value => value.Shape)];
        _weights = [.. values.Select(value => value.Doubles()
            .Select(element => double.IsFinite(element) ? random.NextDouble() * 2 - 1 : 0).ToArray())];
    }

    /// <summary>What is wrong with the gradient; null when nothing is.</summary>
    public string? GradientDifference()
    {
        double[][] got = Gradient(_at);
        double[][] want = Differences(at => Sum(Values(at), _weights), _at);
        return Difference("gradient", got, want, Precision.Tolerance);
    }

    /// <summary>What is wrong with the gradient of Σ directions · gradient.</summary>
    public string? SecondDifference(double[][] directions)
    {
        using var arena = new NativeArena();
        double[][] got = Read(arena, NativeGradients.Vjp(
            arena, primals => GradientArrays(arena, primals), Arrays(arena, _shapes, _at),
            Arrays(arena, _shapes, directions)).Gradients);
        double[][] want = Differences(at => Sum(Gradient(at), directions), _at);
        return Difference("second derivative", got, want, Precision.Tolerance);
    }

    /// <summary>
    /// What is wrong with the tangents along directions: Σ weights · tangents is Σ gradient · directions.
    /// </summary>
    public string? TangentDifference(double[][] directions)
    {
        using var arena = new NativeArena();
        double[][] tangents = Read(arena, NativeGradients.Jvp(
            arena, primals => _function(arena, primals), Arrays(arena, _shapes, _at),
            Arrays(arena, _shapes, directions)).Tangents);
        double got = Sum(tangents, _weights), want = Sum(Gradient(_at), directions);
        return Difference("tangent", [[got]], [[want]], Precision.TangentTolerance);
    }

    private double[][] Gradient(double[][] at)
    {
        using var arena = new NativeArena();
        return Read(arena, GradientArrays(arena, Arrays(arena, _shapes, at)));
    }

    private mlx_array[] GradientArrays(NativeArena arena, mlx_array[] primals) => NativeGradients.Vjp(
        arena, inner => _function(arena, inner), primals, Arrays(arena, _outputShapes, _weights)).Gradients;

    private double[][] Values(double[][] at)
    {
        using var arena = new NativeArena();
        return Read(arena, _function(arena, Arrays(arena, _shapes, at)));
    }

    private static double[][] Differences(Func<double[][], double> function, double[][] at) =>
        [.. at.Select((numbers, input) => numbers.Select((number, i) =>
        {
            double Moved(double step)
            {
                double[][] moved = [.. at.Select(other => (double[])other.Clone())];
                moved[input][i] = number + step;
                return function(moved);
            }

            return (Moved(Precision.Step) - Moved(-Precision.Step)) / (2 * Precision.Step);
        }).ToArray())];

    private static double Sum(double[][] values, double[][] weights) => values.Zip(weights)
        .Sum(pair => pair.First.Zip(pair.Second).Sum(each => each.Second == 0 ? 0 : each.First * each.Second));

    private static string? Difference(string what, double[][] got, double[][] want, double tolerance)
    {
        double scale = 1 + want.Max(numbers => numbers.Max(Math.Abs));
        for (int input = 0; input < want.Length; input++)
        {
            for (int i = 0; i < want[input].Length; i++)
            {
                if (!(Math.Abs(got[input][i] - want[input][i]) <= tolerance * scale))
                    return $"{what} {input} [{i}] is {got[input][i]:g12}, not {want[input][i]:g12}";
            }
        }

        return null;
    }

    private static mlx_array[] Arrays(NativeArena arena, int[][] shapes, double[][] numbers) =>
        [.. shapes.Zip(numbers, (shape, elements) => arena.New(new GoldenTensor(
            mlx_dtype.MLX_FLOAT64, shape, MemoryMarshal.AsBytes<double>(elements).ToArray())))];

    private static double[][] Read(NativeArena arena, mlx_array[] arrays) =>
        [.. arrays.Select(array => arena.Read(array).Doubles())];
}
