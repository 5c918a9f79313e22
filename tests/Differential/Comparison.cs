using ElmMlx.Tests;

namespace ElmMlx.Differential;

/// <summary>What differs between the outcomes of two providers, beyond what rounding explains.</summary>
internal static class Comparison
{
    private const int NoiseRuns = 6;
    private const double BaseUnits = 64, NoiseUnits = 16;

    // MLX computes these of float64 in float32, or with a constant that is float32
    private static readonly string[] InFloat32 =
    [
        "exp", "expm1", "sigmoid", "sin", "cos", "tan", "erf", "erfinv", "logaddexp", "logcumsumexp", "log2", "log10",
        "round", "degrees", "radians", "linspace", "mean", "mean_axis", "mean_axes", "var", "var_axis", "var_axes",
        "std", "std_axis", "std_axes",
    ];

    private static readonly string[] FamiliesInFloat32 =
        ["softmax", "logsumexp", "fast_", "fft_", "random_", "linalg_"];

    /// <summary>The first difference; null when there is none.</summary>
    public static Difference? First(FuzzProgram program, Outcome cpu, Outcome mlx)
    {
        if (mlx.Death is { } death)
            return new Difference(-1, $"the process ended: {death}");
        bool isMapped = program.Transform == "vmap";
        Lazy<Outcome[]> disturbed = new(() => Disturbed(program, isUniform: isMapped));
        Lazy<Outcome[]> plain = new(
            () => isMapped ? Disturbed(program with { Transform = "none" }, isUniform: false) : disturbed.Value);
        bool isNarrow = program.Uses(FamiliesInFloat32)
            || program.Steps.Any(step => InFloat32.Contains(step.Operation));
        return Of(cpu.Values, mlx.Values, plain, outcome => outcome.Values, isNarrow, 0)
            ?? Of(
                cpu.Transformed, mlx.Transformed, disturbed, outcome => outcome.Transformed, isNarrow,
                cpu.Values.Count);
    }

    /// <summary>Whether two arrays of one dtype and shape are the same but for rounding.</summary>
    public static bool AreClose(Value a, Value b)
    {
        double[] x = Numbers(a), y = Numbers(b);
        double most = y.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max();
        double tolerance = BaseUnits * Unit(a.Type, isNarrow: true) * (1 + most);
        return Enumerable.Range(0, x.Length).All(i => IsClose(x[i], y[i], tolerance));
    }

    private static Outcome[] Disturbed(FuzzProgram program, bool isUniform) =>
        [.. Enumerable.Range(0, NoiseRuns).Select(seed => Execution.Run(program, new Noise(seed, isUniform)))];

    private static Difference? Of(
        List<Value> cpu, List<Value> mlx, Lazy<Outcome[]> disturbed, Func<Outcome, List<Value>> part, bool isNarrow,
        int first)
    {
        for (int i = 0; i < Math.Min(cpu.Count, mlx.Count); i++)
        {
            Value a = cpu[i], b = mlx[i];
            if (a.Error is not null && b.Error is not null)
                return null;
            if (a.Error is not null || b.Error is not null)
            {
                return new Difference(first + i, $"cpu {a.Error ?? "computes"} | mlx {b.Error ?? "computes"}")
                {
                    IsCpuError = a.Error is not null,
                    IsMlxError = b.Error is not null,
                };
            }

            if (a.Type != b.Type || !a.Shape.AsSpan().SequenceEqual(b.Shape))
                return new Difference(first + i, $"cpu {Text(a)} | mlx {Text(b)}");
            Value[] others = [];
            if (Numbers(a).Zip(Numbers(b)).Any(
                pair => !IsClose(pair.First, pair.Second, Tolerance(a, pair.Second, isNarrow, first > 0))))
            {
                others = [.. disturbed.Value.Select(part).Where(values => i < values.Count).Select(values => values[i])
                    .Where(value => value.Error is null && value.Bytes.Length == a.Bytes.Length)];
            }

            if (others.Length > 0 && Unexplained(a, b, others, isNarrow, first > 0) is { } difference)
                return difference with { Place = first + i };
        }

        return cpu.Count == mlx.Count ? null : new Difference(
            first,
            $"cpu has {cpu.Count} values, mlx {mlx.Count}: "
                + $"{cpu.LastOrDefault()?.Error ?? mlx.LastOrDefault()?.Error}");
    }

    private static Difference? Unexplained(Value a, Value b, Value[] others, bool isNarrow, bool isDerivative)
    {
        double[] x = Numbers(a), y = Numbers(b);
        double[][] noisy = [.. others.Select(Numbers)];
        double widening = a.Type == "float64" && isNarrow
            ? Elements.Epsilon("float32") / Elements.Epsilon("float64")
            : 1;
        for (int at = 0; at < x.Length; at++)
        {
            double spread = noisy.Max(numbers => Math.Abs(numbers[at] - x[at]));
            bool isExplained = double.IsFinite(spread)
                ? IsClose(x[at], y[at], NoiseUnits * spread * widening + Tolerance(a, y[at], isNarrow, isDerivative))
                : double.IsFinite(x[at]) ? noisy.Any(numbers => !double.IsFinite(numbers[at]))
                : IsClose(x[at], y[at], 0) || noisy.Any(numbers => !numbers[at].Equals(x[at]));
            bool isOverflow = double.IsInfinity(y[at])
                && Math.Abs(x[at]) > Math.ScaleB(1, a.Type == "float16" ? 15 : 126);
            bool isBeyond = a.Type == "complex64" && !double.IsFinite(x[at]) && !double.IsFinite(y[at]);
            if (!isExplained && !isOverflow && !isBeyond)
            {
                return new Difference(0, $"{a.Type} [{at}]: cpu {x[at]:g9} | mlx {y[at]:g9} (rounding: {spread:g3})")
                {
                    Type = a.Type,
                    At = at,
                    Cpu = x[at],
                    Mlx = y[at],
                };
            }
        }

        return null;
    }

    // Derivatives are sums of parts that may cancel, as large as the largest of them.
    private static double Tolerance(Value value, double wanted, bool isNarrow, bool isDerivative)
    {
        double most = Numbers(value).Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max();
        double scale = isDerivative || !double.IsFinite(wanted) ? 1 + most : Math.Abs(wanted) + most / 16;
        double unit = Unit(value.Type, isNarrow);
        return unit == 0 ? 0 : BaseUnits * unit * scale + SmallestNormal(value.Type);
    }

    private static double Unit(string type, bool isNarrow) =>
        Elements.Epsilon(type == "float64" && isNarrow ? "float32" : type);

    private static double SmallestNormal(string type) => Math.ScaleB(1, type == "float16" ? -14 : -126);

    /// <summary>The elements; two numbers for a complex one.</summary>
    public static double[] Numbers(Value value) =>
        new GoldenTensor(GoldenTensors.TypeOf(value.Type), value.Shape, value.Bytes).Doubles();

    private static string Text(Value value) => $"{value.Type} [{string.Join(", ", value.Shape)}]";

    private static bool IsClose(double x, double y, double tolerance) =>
        x == y || (double.IsNaN(x) && double.IsNaN(y)) || Math.Abs(x - y) <= tolerance;
}

/// <summary>Where two outcomes differ first.</summary>
/// <param name="Place">The value's number; after the steps' values come the transform's; −1: the process ended.</param>
/// <param name="Text">How.</param>
internal sealed record Difference(int Place, string Text)
{
    /// <summary>Whether only the CPU provider refuses.</summary>
    public bool IsCpuError { get; init; }

    /// <summary>Whether only MLX refuses.</summary>
    public bool IsMlxError { get; init; }

    /// <summary>The dtype of numbers that differ; empty where something else does.</summary>
    public string Type { get; init; } = "";

    /// <summary>The place of the first that does, where a complex number counts for two.</summary>
    public int At { get; init; }

    public double Cpu { get; init; }

    public double Mlx { get; init; }

    public bool IsNumber => Type.Length > 0;
}
