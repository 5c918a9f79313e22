namespace ElmMlx.Differential;

/// <summary>Derivatives and vmaps that MLX gets wrong: docs/differences.md has the evidence.</summary>
internal static class KnownTransforms
{
    // A rule covers a step that differs from MLX alone, under the same transform.
    private static readonly (string[] Transforms, string[] Operations, string Reason)[] Rules =
    [
        (["vjp"], ["sort", "median"], "MLX's gradients of sort take the cotangents in the order of the sort"),
        (["vjp"], ["pad"], "MLX's gradient of pad cuts off what other axes were padded by"),
        (["vjp"], ["slice"], "MLX's gradients of slices with steps misplace a single element"),
        (["vjp", "jvp"], ["fast_rope"], "MLX's rope slices single elements with steps, which have wrong derivatives"),
        (["jvp"], ["slice"], "MLX's tangents of slices with steps have another shape"),
        (["jvp"], ["logsumexp"], "MLX's tangent of logsumexp lacks the sum"),
        (["jvp"], ["addmm"], "MLX's tangent of addmm lacks alpha and beta"),
        (["jvp"], ["power"], "MLX's tangent of power takes the base's tangent for the exponent's"),
        (["jvp"], ["fft_irfft"], "MLX's tangent of irfft counts the cut part"),
        (["vmap"], ["divmod"], "MLX's vmap of divmod takes its axis from nowhere"),
        (["vmap"], ["slice"], "MLX's vmap of slices with steps has another shape"),
        (["vmap"], ["left_shift", "right_shift", "bitwise_"], "MLX's vmap of bitwise operations does not broadcast"),
        (["vmap"], ["floor_divide"], "MLX's vmap of floor_divide divides whole numbers into floating ones"),
        (["vmap"], ["scatter_"], "MLX's vmap of scatters along another axis than the first"),
        (["vmap"], ["sort", "argsort", "topk", "median"], "MLX's vmap of sorts and partitions counts axes wrongly"),
        (["vmap"], ["argmax", "argmin"], "MLX's vmap of arg reductions leaves the batch at another axis"),
        (["vmap"], ["fft_irfft"], "MLX's vmap of irfft has the wrong length along some axes"),
        (["vmap"], ["slice_update"], "MLX's vmap of slice_update reads beyond an update that has no batch"),
        (["vmap"], ["fast_rope"], "MLX's vmap of rope reshapes by the wrong axes"),
        (["vmap"], ["take"], "MLX takes slices of a transposed array in the order of memory"),
        (["vmap"], ["addmm"], "MLX's vmap of addmm reshapes arrays of nothing"),
        (["vmap"], ["not_equal"], "MLX's vmap of not_equal answers its first operand's axis"),
    ];

    private const double LogUnits = 64;

    // What MLX says of derivatives that it has not
    private static readonly string[] Lacks = ["mplemented", "NYI", "Type of cotangents does not match", "no gradient"];

    // Constant but for jumps, or in parts
    private static readonly string[] Flat =
    [
        "round", "floor_divide", "floor", "ceil", "sign", "divmod", "remainder", "arg", "stop_gradient", "tri", "where",
        "nan_to_num", "maximum", "minimum", "clip", "slice_update_m",
    ];

    public static string? Reason(
        FuzzProgram program, Outcome cpu, Outcome mlx, Difference difference, OtherProvider provider)
    {
        if (difference.IsCpuError)
            return null;
        if (program.Transform == "vmap")
        {
            string? reason = OfIndices(program, cpu, mlx, provider, out bool isOurs);
            if (!isOurs)
                return reason;
        }

        if (program.Transform != "vmap" && difference.IsMlxError
            && Lacks.Any(text => difference.Text.Contains(text, StringComparison.Ordinal)))
            return "MLX has not this derivative";
        string?[] reasons = [.. Suspects.Of(program, provider).Select(OfSuspect)];
        if (reasons.Length > 0)
            return reasons.Contains(null) ? null : reasons[0];
        if (program.Transform == "vmap")
            return Rules.FirstOrDefault(rule => rule.Transforms.Contains("vmap")
                && program.Uses(rule.Operations)).Reason;
        if (FiniteDifferences.AreNear(program, cpu, mlx))
            return "a derivative rounds more than its function: both are near float64's";
        if (program.Transform != "jvp" && program.Steps.Any(step => IsTied(program, cpu, step, "sort", "median")))
            return "MLX's gradients of sort take the cotangents in the order of the sort";
        return OfWhole(program, cpu, mlx, difference);
    }

    private static string? OfSuspect(Suspect suspect)
    {
        if (suspect.Mlx.Death is not null)
            return KnownDifferences.OfDeath(suspect.Program, suspect.Cpu);
        string transform = suspect.Program.Transform == "checkpoint" ? "vjp" : suspect.Program.Transform;
        if (suspect.Difference.IsMlxError && transform != "vmap"
            && Lacks.Any(text => suspect.Difference.Text.Contains(text, StringComparison.Ordinal)))
            return "MLX has not this derivative";
        if (suspect.Program.Uses("diag", "trace") && suspect.Difference.IsMlxError)
            return "MLX refuses the gradient of an empty diagonal";
        if (suspect.Program.Steps is [{ Operation: "slice" } slice] && !HasStep(slice))
            return null;
        string? rule = Rules.FirstOrDefault(rule => rule.Transforms.Contains(transform)
            && suspect.Program.Uses(rule.Operations)).Reason;
        return rule ?? OfWhole(suspect.Program, suspect.Cpu, suspect.Mlx, suspect.Difference);
    }

    // Where every step alone has the same derivative
    private static string? OfWhole(FuzzProgram program, Outcome cpu, Outcome mlx, Difference difference)
    {
        if (KnownDifferences.IsHalfOverflow(program, difference))
            return "MLX's sums and products in half precision overflow";
        if (cpu.Values.SkipLast(1).Any(value => !Elements.IsInexact(value.Type)))
            return "MLX's derivatives pass through whole numbers";
        double error = SlopesOfQuotients(program, cpu) * Elements.Epsilon(difference.Type);
        if (Math.Abs(difference.Cpu - difference.Mlx) <= error)
            return "MLX's slopes of a quotient cancel";
        if (program.Transform == "jvp" && program.Steps.Any(step => IsTied(program, cpu, step, "max", "min")))
            return "MLX's tangent of equal extremes is one's, not shared";
        if (double.IsNaN(difference.Cpu) && cpu.Values.Any(HasNaN))
            return "where a function is NaN, MLX's derivative may be any number";
        if (program.Uses("topk") && cpu.Values.Any(HasNaN))
            return "MLX's partitions put NaN elsewhere than they say";
        if (difference.IsMlxError && KnownDifferences.HasProductOfNothing(program, cpu))
            return "MLX refuses gradients of products of nothing";
        bool isFlat = program.Uses(Flat), hasNoSlope = HasNoSlope(cpu);
        if (double.IsNaN(difference.Mlx) && (difference.Cpu == 0 ? isFlat || hasNoSlope : isFlat && hasNoSlope))
            return "MLX multiplies a slope of 0 with an infinite one";
        if (IsSetApart(cpu, mlx))
            return "operands that rounding set apart";
        if (!program.Uses("logcumsumexp"))
            return null;
        if (double.IsNaN(difference.Cpu) && difference.Mlx == 0)
            return "MLX's gradient of logcumsumexp takes NaN for 0";
        double largest = cpu.Values.SelectMany(Comparison.Numbers).Where(double.IsFinite).Max(Math.Abs);
        error = LogUnits * Elements.Epsilon(difference.Type) * largest * Math.Abs(difference.Cpu);
        return Math.Abs(difference.Cpu - difference.Mlx) <= error
            ? "MLX's gradient of logcumsumexp goes through logarithms and loses what large numbers round"
            : null;
    }

    public static bool HasStep(Step slice) =>
        slice.Operation == "slice" && slice.Arguments["strides"]!.AsArray().Any(stride => stride!.GetValue<int>() != 1);

    // Whether an operation chooses among equal numbers: noise breaks ties, and so explains whatever becomes of them.
    private static bool IsTied(FuzzProgram program, Outcome cpu, Step step, params string[] operations) =>
        operations.Any(name => step.Operation.StartsWith(name, StringComparison.Ordinal))
        && Comparison.Numbers(program.OperandsOf(step, cpu)[0]) is var numbers
        && numbers.Distinct().Count() < numbers.Length;

    // At most |1 / y| + |x / y²| of all quotients x / y
    private static double SlopesOfQuotients(FuzzProgram program, Outcome cpu)
    {
        double most = 0;
        foreach (Step step in program.Steps.Where(step => step.Operation == "divide"))
        {
            Value[] operands = program.OperandsOf(step, cpu);
            double x = Sizes(operands[0]).Max(), y = Sizes(operands[1]).Where(size => size > 0).DefaultIfEmpty(1).Min();
            most = Math.Max(most, (1 + x / y) / y);
        }

        return most;
    }

    private static IEnumerable<double> Sizes(Value value) =>
        Comparison.Numbers(value).Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(1);

    private static bool HasNaN(Value value) => Comparison.Numbers(value).Any(double.IsNaN);

    // Whether a value is 0 or infinite in one provider alone, or its zeros have different signs
    private static bool IsSetApart(Outcome cpu, Outcome mlx) => cpu.Values.Zip(mlx.Values).Any(
        pair => Elements.IsInexact(pair.First.Type)
            && Comparison.Numbers(pair.First).Zip(Comparison.Numbers(pair.Second), IsSetApart).Contains(true));

    private static bool IsSetApart(double x, double y) =>
        (x == 0 || y == 0 || !double.IsFinite(y)) && (x != y || double.IsNegative(x) != double.IsNegative(y));

    private static bool HasNoSlope(Outcome cpu) =>
        cpu.Values.Any(value => Comparison.Numbers(value).Any(x => !double.IsFinite(x)));

    // Whether the CPU provider's vmap is what both providers compute at each index; if not, why not
    private static string? OfIndices(
        FuzzProgram program, Outcome whole, Outcome mlxWhole, OtherProvider provider, out bool isOurs)
    {
        isOurs = false;
        Input batched = program.Inputs.First(input => input.BatchAxis >= 0);
        int n = batched.Shape[batched.BatchAxis];
        bool isMlx = true;
        for (int index = 0; index < n; index++)
        {
            FuzzProgram alone = new([.. program.Inputs.Select(input => input.At(index))], program.Steps, "none");
            Outcome cpu = Execution.Run(alone), mlx = provider.Run(alone);
            if (Comparison.First(alone, cpu, mlx) is { } difference)
                return KnownDifferences.Reason(alone, cpu, mlx, difference, provider);
            if (!IsPart(whole.Transformed[0], cpu.Values[^1], index, n))
                return null;
            isMlx &= IsPart(mlxWhole.Transformed[0], mlx.Values[^1], index, n);
        }

        isOurs = !isMlx;
        return isMlx ? "operands that rounding set apart" : null;
    }

    private static bool IsPart(Value whole, Value one, int index, int n)
    {
        int size = whole.Bytes.Length / n;
        return whole.Error is null && size == one.Bytes.Length && Comparison.AreClose(
            one with { Bytes = whole.Bytes[(index * size)..((index + 1) * size)] }, one);
    }
}
