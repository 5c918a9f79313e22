namespace ElmMlx.Differential;

/// <summary>Where MLX is wrong: a rule each, and docs/differences.md has the evidence.</summary>
internal static class KnownDifferences
{
    // MLX's tangents read those of constant operands, or of a second output, from nowhere: most end its process.
    private static readonly string[] FatalTangents =
        ["where", "tril", "triu", "nan_to_num", "arctan2", "fast_scaled", "divmod"];

    private static readonly string[] Scans = ["cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"];

    // What MLX adds up or multiplies in half precision itself
    private static readonly string[] HalfProducts =
    [
        "prod", "sum", "mean", "matmul", "inner", "conv", "addmm", "tensordot", "var", "std", "trace", "cumsum",
        "cumprod", "logsumexp", "softmax", "linalg_norm", "quantized_matmul", "fast_scaled",
    ];

    /// <summary>The program as it is run: without a transform that ends MLX's process.</summary>
    public static FuzzProgram Reduce(FuzzProgram program) => program.Transform == "jvp" && program.Uses(FatalTangents)
        ? program with { Transform = "none" }
        : program;

    /// <summary>Why a difference is none to mend; null: it is one.</summary>
    public static string? Reason(
        FuzzProgram program, Outcome cpu, Outcome mlx, Difference difference, OtherProvider provider)
    {
        if (mlx.Death is not null)
            return OfDeath(program, cpu);
        return difference.Place < cpu.Values.Count
            ? OfValue(new Case(program, cpu, mlx, difference)) ?? OfOperands(program, cpu, mlx, difference, provider)
            : KnownTransforms.Reason(program, cpu, mlx, difference, provider);
    }

    /// <summary>Whether half precision overflowed in MLX where the sum or product is finite.</summary>
    public static bool IsHalfOverflow(FuzzProgram program, Difference difference) =>
        difference.Type == "float16" && !double.IsFinite(difference.Mlx) && program.Uses(HalfProducts);

    /// <summary>Whether a product is taken over an empty array.</summary>
    public static bool HasProductOfNothing(FuzzProgram program, Outcome cpu) => program.Steps.Any(
        step => step.Operation.StartsWith("prod", StringComparison.Ordinal)
            && program.OperandsOf(step, cpu).Any(IsEmpty));

    /// <summary>Why a program ends MLX's process.</summary>
    public static string? OfDeath(FuzzProgram program, Outcome cpu) =>
        cpu.Values.LastOrDefault()?.Error is { } error ? OfFatalError(error)
        : program.Steps.Any(step => IsScanOfOne(program, cpu, step))
            ? "scans along an axis of length 1 are wrong in MLX, or end its process"
        : program.Steps.Any(step => step.Operation == "trace" && program.OperandsOf(step, cpu).Any(IsEmpty))
            ? "MLX may not come to the end of the trace of an empty array"
        : program.Transform == "vmap" && program.Uses("fast_layer_norm") && cpu.Values.Any(IsEmpty)
            ? "MLX does not come to the end of a vmap of norms of nothing"
        : program.Transform == "vmap" && program.Uses("divmod") ? "MLX's vmap of divmod takes its axis from nowhere"
        : program.Steps.Any(step => step.Operation.Contains("sort", StringComparison.Ordinal)
            && program.OperandsOf(step, cpu).Any(IsEmpty))
            ? "sorts and scans of nothing end MLX's process"
        : program.Transform != "none" && program.Steps.Any(KnownTransforms.HasStep)
            ? "MLX's derivatives and vmaps of slices with steps write beyond them"
        : program.Transform is "vjp" or "checkpoint" && program.Uses("pad")
            ? "MLX's gradient of pad cuts off what other axes were padded by"
        : program.Transform != "none" && program.Uses("diag", "trace") && HasNothing(program, cpu)
            ? "gradients of empty diagonals end MLX's process"
        : program.Transform != "none" && program.Uses("matmul", "inner", "tensordot", "addmm")
            && HasNothing(program, cpu)
            ? "gradients of matrix products with empty arrays may end MLX's process"
        : program.Transform == "jvp" && program.Uses("all", "any", "max", "min") && HasNothing(program, cpu)
            ? "tangents of reductions of nothing end MLX's process"
        : program.Transform != "none" && HasProductOfNothing(program, cpu)
            ? "gradients of products of nothing end MLX's process"
        : null;

    // Errors while MLX evaluates on a thread of its own, which nothing catches
    private static string? OfFatalError(string error) =>
        error.Contains("divided by 0", StringComparison.Ordinal) ? "whole numbers divided by 0 end MLX's process"
        : error.StartsWith("[erf", StringComparison.Ordinal) ? "erf and erfinv of complex numbers end MLX's process"
        : error.Contains("empty", StringComparison.Ordinal) ? "sorts and scans of nothing end MLX's process"
        : null;

    private static string? OfValue(Case x) =>
        OfRefusal(x) ?? OfReduction(x) ?? OfScan(x) ?? OfComplex(x) ?? OfNumber(x);

    // MLX refuses what is computed here, or the other way round.
    private static string? OfRefusal(Case x)
    {
        if (x.Difference.IsMlxError && x.Name == "pad" && x.Text("mode") == "edge"
            && x.Step.Arguments["axes"]!.AsArray().Count < x.Operand.Shape.Length)
            return "MLX pads with edges along all axes only";
        if (x.Difference.IsMlxError && x.Name.StartsWith("arg", StringComparison.Ordinal)
            && x.Operand.Shape.Length == 0)
            return "MLX has no arg reduction of a scalar";
        if (x.Difference.IsMlxError && x.Name == "addmm" && x.Operands.Skip(1).Any(value => value.Shape.Length == 1))
            return "MLX's addmm of a vector broadcasts c before the product";
        if (x.Difference.IsMlxError && x.Name == "addmm" && x.Operands.Any(IsEmpty))
            return "MLX's addmm of nothing reshapes to unknown lengths";
        return x.Difference.IsCpuError && x.Name.StartsWith("conv", StringComparison.Ordinal)
            && x.Difference.Text.Contains("smaller than the kernel", StringComparison.Ordinal)
            ? "MLX's convolution lets a kernel stand out of the input by less than a stride"
            : null;
    }

    private static string? OfReduction(Case x)
    {
        if (x.IsOf("softmax") && x.IsWhole && x.MlxValue?.Type == x.Operand.Type)
            return "MLX rounds the softmax of whole numbers to whole numbers along some axes";
        if (x.IsOf("logsumexp") && x.IsWhole && DoesWrap(x.Operand))
            return "MLX subtracts the largest in whole numbers, which wrap, in logsumexp";
        if (x.IsOf("logsumexp") && x.MlxValue is { } kept && kept.Shape.Length > x.CpuValue.Shape.Length
            && kept.Shape.Where(n => n > 1).SequenceEqual(x.CpuValue.Shape.Where(n => n > 1)))
            return "MLX's logsumexp keeps axes of length 1";
        return x.IsOf("all", "any") && x.CpuValue.Type == "bool" && Comparison.Numbers(x.Operand).Any(IsNegativeZero)
            ? "MLX takes -0.0 for true in all and any"
            : null;
    }

    private static string? OfScan(Case x)
    {
        if (IsScanOfOne(x.Program, x.Cpu, x.Step))
            return "scans along an axis of length 1 are wrong in MLX, or end its process";
        return x.IsOf("cummax", "cummin", "logcumsumexp") && x.Operand.Type == "complex64"
            && !x.Step.Arguments["inclusive"]!.GetValue<bool>()
            ? "MLX's exclusive scans of complex numbers begin with 0"
            : null;
    }

    private static string? OfComplex(Case x)
    {
        if (x.Operands.All(value => value.Type != "complex64"))
            return null;
        if (x.IsOf("arctan2", "expm1", "sigmoid", "remainder") && x.MlxValue is { } real && IsReal(real))
            return "MLX's arctan2, expm1, sigmoid and remainder of complex numbers look at real parts or sizes only";
        if (x.IsOf("power") && double.IsNaN(x.Difference.Mlx) && x.Operands.All(HasZero))
            return "MLX's complex power of 0 to the 0 is NaN";
        return x.CpuValue.Type == "bool" && x.Operands.Any(HasNumberWithoutRealPart)
            ? "MLX takes complex numbers without a real part for false"
            : null;
    }

    private static string? OfNumber(Case x)
    {
        if (x.IsOf("sin", "cos") && x.IsAtElement && Math.Abs(Comparison.Numbers(x.Operand)[x.Difference.At]) > 8192)
            return "MLX's sines of large numbers";
        if (x.IsOf("random_normal") && Math.Abs(x.Difference.Cpu - x.Difference.Mlx) < 1e-5)
            return "a draw is a sum that cancels";
        if (x.Name == "erf" && Math.Abs(x.Difference.Cpu - x.Difference.Mlx) < 5e-7)
            return "MLX's erf is off by up to 2.3e-7";
        if (x.IsOf("var", "std") && x.IsWhole && Comparison.Numbers(x.Operand).Sum(Math.Abs) > int.MaxValue)
            return "MLX's mean of whole numbers wraps around in a variance";
        if (x.Name == "round" && x.IsWhole && Comparison.Numbers(x.Operand).Max(Math.Abs) >= long.MaxValue)
            return "whole numbers that float32 rounds out of their dtype";
        if (x.IsOf("var", "std") && x.Difference.IsNumber && IsVarianceOfRounding(x))
            return "MLX's variances of equal numbers are what rounding leaves";
        return IsHalfOverflow(x.Program with { Steps = [x.Step] }, x.Difference)
            ? "MLX's sums and products in half precision overflow"
            : null;
    }

    // The step alone agrees: its operands are different in MLX, if only by what rounding explains, or lie otherwise.
    private static string? OfOperands(
        FuzzProgram program, Outcome cpu, Outcome mlx, Difference difference, OtherProvider provider)
    {
        Step step = program.StepOf(difference.Place);
        FuzzProgram alone = program.Alone(step, value => program.At(value, cpu)) with { Transform = "none" };
        if (Comparison.First(alone, Execution.Run(alone), provider.Run(alone)) is not null)
            return null;
        bool isSame = program.OperandsOf(step, cpu).Zip(program.OperandsOf(step, mlx)).All(
            pair => pair.First.Bytes.AsSpan().SequenceEqual(pair.Second.Bytes));
        return isSame
            ? "MLX reads a view wrongly: of its copy it computes the same"
            : "operands that rounding set apart";
    }

    private static bool IsScanOfOne(FuzzProgram program, Outcome cpu, Step step)
    {
        if (!Scans.Contains(step.Operation) || program.OperandsOf(step, cpu) is not [{ Shape.Length: > 0 } x])
            return false;
        int axis = step.Arguments["axis"]!.GetValue<int>();
        return x.Shape[axis < 0 ? axis + x.Shape.Length : axis] == 1;
    }

    private static bool HasNothing(FuzzProgram program, Outcome cpu) =>
        program.Steps.Any(step => program.OperandsOf(step, cpu).Any(IsEmpty));

    private static bool IsEmpty(Value value) => value.Bytes.Length == 0;

    private static bool IsVarianceOfRounding(Case x)
    {
        double error = 64 * Elements.Epsilon(x.Difference.Type)
            * Comparison.Numbers(x.Operand).Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max();
        double most = x.Name.StartsWith("var", StringComparison.Ordinal) ? error * error : error;
        return Math.Abs(x.Difference.Cpu) <= most && Math.Abs(x.Difference.Mlx) <= most;
    }

    // Whether the difference of the smallest and the largest is no number of the dtype
    private static bool DoesWrap(Value value)
    {
        double[] numbers = Comparison.Numbers(value);
        return numbers.Max() - numbers.Min() > value.Type switch
        {
            "int8" => sbyte.MaxValue,
            "int16" => short.MaxValue,
            "int32" => int.MaxValue,
            "int64" => long.MaxValue,
            _ => 0,
        };
    }

    private static bool IsReal(Value value) => Comparison.Numbers(value).Where((_, i) => i % 2 == 1).All(x => x == 0);

    private static bool HasZero(Value value) => value.Type == "complex64"
        ? Comparison.Numbers(value).Chunk(2).Any(number => number[0] == 0 && number[1] == 0)
        : Comparison.Numbers(value).Contains(0);

    private static bool HasNumberWithoutRealPart(Value value) => value.Type == "complex64"
        && Comparison.Numbers(value).Chunk(2).Any(number => number[0] == 0 && number[1] != 0);

    private static bool IsNegativeZero(double x) => x == 0 && double.IsNegative(x);

    // A value that differs, and the step that made it
    private sealed record Case(FuzzProgram Program, Outcome Cpu, Outcome Mlx, Difference Difference)
    {
        public Step Step { get; } = Program.StepOf(Difference.Place);

        public string Name => Step.Operation;

        public Value[] Operands { get; } = Program.OperandsOf(Program.StepOf(Difference.Place), Cpu);

        public Value Operand => Operands.FirstOrDefault() ?? new Value("float32", [], [], null);

        public Value CpuValue => Cpu.Values[Difference.Place];

        public Value? MlxValue =>
            Mlx.Values.ElementAtOrDefault(Difference.Place) is { Error: null } value ? value : null;

        public bool IsWhole => !Elements.IsInexact(Operand.Type);

        public bool IsAtElement => Difference.At < Comparison.Numbers(Operand).Length && Difference.IsNumber;

        public bool IsOf(params string[] names) =>
            names.Any(name => Name == name || Name.StartsWith(name + '_', StringComparison.Ordinal));

        public string? Text(string argument) => Step.Arguments[argument]?.GetValue<string>();
    }
}
