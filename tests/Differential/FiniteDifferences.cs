using ElmMlx.Tests;

namespace ElmMlx.Differential;

/// <summary>Judges derivatives: the function is computed in float64 beside its inputs.</summary>
internal static class FiniteDifferences
{
    private const double Step = 1e-6, Tolerance = 1e-3, OwnTolerance = 0.05;

    /// <summary>Whether both providers' derivatives are float64's but for rounding.</summary>
    public static bool AreNear(FuzzProgram program, Outcome cpu, Outcome mlx)
    {
        Outcome exact = Execution.Run(InDouble(program));
        return exact.Transformed.Count == cpu.Transformed.Count && exact.Transformed.Count == mlx.Transformed.Count
            && exact.Transformed.Zip(cpu.Transformed).All(pair => IsNear(pair.Second, pair.First))
            && exact.Transformed.Zip(mlx.Transformed).All(pair => IsNear(pair.Second, pair.First));
    }

    /// <summary>Whether the CPU provider's derivatives are the slopes of the function.</summary>
    public static bool Confirm(FuzzProgram program, Outcome cpu)
    {
        FuzzProgram wide = InDouble(program);
        Outcome exact = Execution.Run(wide);
        if (exact.Transformed.Count != cpu.Transformed.Count || exact.Transformed.Any(value => value.Error is not null))
            return false;
        for (int i = 0; i < cpu.Transformed.Count; i++)
        {
            if (!AreClose(Numbers(cpu.Transformed[i]), Numbers(exact.Transformed[i]), OwnTolerance))
                return false;
        }

        return program.Transform == "jvp" ? ConfirmTangent(wide, exact) : ConfirmGradients(wide, exact);
    }

    private static FuzzProgram InDouble(FuzzProgram program) => program with
    {
        Inputs = [.. program.Inputs.Select(input => Elements.IsFloat(input.Type)
            ? OfNumbers(input, Numbers(input.Type, input.Shape, input.Bytes))
            : input)],
    };

    private static Input OfNumbers(Input input, double[] numbers) =>
        input with { Type = "float64", Bytes = Elements.Encode("float64", numbers) };

    private static bool IsNear(Value value, Value exact) => value.Error is null && exact.Error is null
        && AreClose(Numbers(value), Numbers(exact), Math.Max(Tolerance, 8 * Elements.Epsilon(value.Type)));

    private static bool ConfirmTangent(FuzzProgram program, Outcome exact)
    {
        int[] places = Places(program);
        double[][] along = [.. places.Select(i => Execution.Along(Size(program.Inputs[i].Shape), i))];
        return AreClose(Slope(program, places, along), Numbers(exact.Transformed[1]), Tolerance);
    }

    private static bool ConfirmGradients(FuzzProgram program, Outcome exact)
    {
        int[] places = Places(program);
        double[] cotangent = Execution.Along(Size(exact.Values[^1].Shape), Execution.CotangentStart);
        for (int i = 0; i < places.Length; i++)
        {
            double[] gradient = Numbers(exact.Transformed[1 + i]);
            for (int at = 0; at < Math.Min(gradient.Length, 64); at++)
            {
                var along = new double[gradient.Length];
                along[at] = 1;
                double[] slope = Slope(program, [places[i]], [along]);
                double wanted = slope.Zip(cotangent).Sum(pair => pair.Second == 0 ? 0 : pair.First * pair.Second);
                if (!AreClose([wanted], [gradient[at]], Tolerance))
                    return false;
            }
        }

        return true;
    }

    private static double[] Slope(FuzzProgram program, int[] places, double[][] along)
    {
        double[] above = At(program, places, along, Step), below = At(program, places, along, -Step);
        return [.. above.Zip(below, (a, b) => (a - b) / (2 * Step))];
    }

    private static double[] At(FuzzProgram program, int[] places, double[][] along, double step)
    {
        List<Input> inputs = [.. program.Inputs];
        for (int i = 0; i < places.Length; i++)
        {
            Input input = inputs[places[i]];
            double[] at = Numbers(input.Type, input.Shape, input.Bytes);
            inputs[places[i]] = OfNumbers(input, [.. at.Zip(along[i], (x, direction) => x + step * direction)]);
        }

        return Numbers(Execution.Run(program with { Inputs = inputs, Transform = "none" }).Values[^1]);
    }

    private static int[] Places(FuzzProgram program) =>
        [.. Enumerable.Range(0, program.Inputs.Count).Where(i => program.Inputs[i].IsVariable)];

    private static int Size(int[] shape) => shape.Aggregate(1, (product, length) => product * length);

    private static double[] Numbers(Value value) => Numbers(value.Type, value.Shape, value.Bytes);

    private static double[] Numbers(string type, int[] shape, byte[] bytes) =>
        new GoldenTensor(GoldenTensors.TypeOf(type), shape, bytes).Doubles();

    private static bool AreClose(double[] x, double[] y, double tolerance) => x.Length == y.Length
        && x.Zip(y).All(pair => Math.Abs(pair.First - pair.Second) <= tolerance * (1 + Math.Abs(pair.Second))
            || (!double.IsFinite(pair.First) && !double.IsFinite(pair.Second)));
}
