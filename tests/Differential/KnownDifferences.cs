namespace ElmMlx.Differential;

/// <summary>Where the providers differ on purpose: a rule each, and docs/differences.md has the reasons.</summary>
internal static class KnownDifferences
{
    // Tangents that end MLX's process
    private static readonly string[] FatalTangents =
        ["where", "tril", "triu", "nan_to_num", "arctan2", "divmod", "linalg_norm", "trace", "fast_scaled", "random_"];

    private static readonly string[] HalfProducts = ["quantized_matmul", "prod", "sum", "mean", "matmul", "inner", "conv", "addmm"];

    /// <summary>The program as it is run: without a transform that ends MLX's process.</summary>
    public static FuzzProgram Reduce(FuzzProgram program) => program.Transform == "jvp" && Has(program, FatalTangents)
        ? program with { Transform = "none" }
        : program;

    /// <summary>Why a difference is none to mend; null: it is one.</summary>
    public static string? Reason(FuzzProgram program, Outcome cpu, Outcome mlx, Difference difference)
    {
        if (mlx.Death is not null)
            return OfDeath(program, cpu);
        if (cpu.Values.Take(difference.Place < 0 ? 0 : difference.Place).Any(HasSubnormal))
            return "MLX's exponentials are 0 where they should be subnormal";
        int at = difference.Place - cpu.Values.Count;
        return at < 0
            ? OfValue(program, StepAt(program, cpu, difference.Place), difference, cpu, mlx)
            : OfTransform(program, cpu, mlx, difference, at);
    }

    private static string? OfDeath(FuzzProgram program, Outcome cpu) =>
        cpu.Values.Any(value => value.Error is not null) ? "an error here ends MLX's process"
        : Has(program, ["cum", "logcum"]) ? "scans along an axis of length 1 are wrong in MLX, or end its process"
        : program.Transform == "vmap" && Has(program, ["divmod"]) ? "MLX's vmap fails, or is not what its function gives at each index"
        : program.Transform != "none" && Has(program, ["prod"]) ? "gradients of products of nothing end MLX's process"
        : null;

    private static string? OfValue(FuzzProgram program, Step? step, Difference difference, Outcome cpu, Outcome mlx)
    {
        string name = step?.Operation ?? "", text = difference.Text;
        bool isError = text.StartsWith("cpu computes", StringComparison.Ordinal);
        if (isError && name == "pad" && step!.Arguments["mode"]?.GetValue<string>() == "edge")
            return "MLX pads with edges along all axes only";
        if (isError && name.StartsWith("arg", StringComparison.Ordinal) && text.Contains("std::vector", StringComparison.Ordinal))
            return "MLX has no arg reduction of a scalar";
        if (text.Contains("Not supported for complex64", StringComparison.Ordinal)
            || text.Contains("Only sums and products of complex", StringComparison.Ordinal))
            return "remainders and records of complex numbers are refused here";
        if (!OperandOf(program, cpu, step).IsInexact && name.StartsWith("softmax", StringComparison.Ordinal))
            return "MLX rounds the softmax of whole numbers to whole numbers along some axes";
        if (!OperandOf(program, cpu, step).IsInexact && name.StartsWith("logsumexp", StringComparison.Ordinal))
            return "MLX's logsumexp of whole numbers is no number that it could be";
        if (name.StartsWith("logsumexp", StringComparison.Ordinal) && !text.Contains('@', StringComparison.Ordinal)
            && cpu.Values.Count == mlx.Values.Count && text.Contains("] | mlx", StringComparison.Ordinal))
            return "MLX's logsumexp keeps axes of length 1";
        if (text.StartsWith("complex64", StringComparison.Ordinal) && name is "arctan2" or "expm1" or "sigmoid" or "cummin" or "cummax")
            return "MLX's arctan2, expm1, sigmoid and records of complex numbers";
        if (isError && name == "addmm")
            return "MLX's addmm of a vector broadcasts c before the product";
        if (name is "sin" or "cos" or "tan" && OperandOf(program, cpu, step).Most > 1e4)
            return "MLX's sines of large numbers";
        if (OperandOf(program, cpu, step).Type == "complex64" && difference.IsBool)
            return "MLX takes complex numbers without a real part for false";
        if (name.StartsWith("cum", StringComparison.Ordinal) || name == "logcumsumexp")
        {
            int axis = step!.Arguments["axis"]!.GetValue<int>();
            int[] shape = OperandOf(program, cpu, step).Shape;
            if (shape.Length > 0 && shape[axis < 0 ? axis + shape.Length : axis] == 1)
                return "scans along an axis of length 1 are wrong in MLX, or end its process";
        }

        if ((name.StartsWith("all", StringComparison.Ordinal) || name.StartsWith("any", StringComparison.Ordinal)) && OperandOf(program, cpu, step).HasNegativeZero)
            return "MLX takes -0.0 for true in all and any";
        if (name is "cummax" or "cummin" or "logcumsumexp" && difference.HasNaN)
            return "MLX passes over NaN in records";
        return difference.IsHalf && difference.MlxIsNotFinite && HalfProducts.Any(product => name.StartsWith(product, StringComparison.Ordinal))
            ? "MLX's sums and products in half precision overflow"
            : null;
    }

    private static string? OfTransform(FuzzProgram program, Outcome cpu, Outcome mlx, Difference difference, int at)
    {
        if (cpu.Transformed.Count == 0 || cpu.Transformed[0].Error is not null)
            return null;
        if (program.Transform == "vmap")
            return IsEachIndex(program, cpu.Transformed[0]) ? "MLX's vmap fails, or is not what its function gives at each index" : null;
        if (mlx.Transformed[0].Error is { } error)
        {
            return error.Contains("mplemented", StringComparison.Ordinal) ? "MLX has not this derivative" : "MLX fails to make a derivative";
        }

        int[] shape = program.Transform == "jvp" || at == 0 ? cpu.Values[^1].Shape : Variables(program)[at - 1].Shape;
        if (cpu.Transformed[at].Shape.AsSpan().SequenceEqual(shape) && !mlx.Transformed[at].Shape.AsSpan().SequenceEqual(shape))
            return "MLX's derivative has another shape than what it belongs to";

        if (Has(program, ["sort", "median", "topk"]))
            return "MLX's derivatives of sorts";
        if (program.Transform == "jvp" && Has(program, ["logsumexp", "fft_irfft", "power", "addmm"]))
            return "MLX's tangents of logsumexp, power, addmm and irfft";
        if (FiniteDifferences.Confirm(program, cpu))
            return "MLX's derivative is not the function's slope";
        if (cpu.Values.Any(value => !Elements.IsInexact(value.Type)))
            return "derivatives do not pass through whole numbers here";
        if (difference.IsHalf && Has(program, HalfProducts))
            return "MLX's sums and products in half precision overflow";
        return difference.IsZeroForNaN ? "MLX multiplies a cotangent of zero with an infinite slope" : null;
    }

    private static bool HasSubnormal(Value value) => value.Type is "float32" or "complex64"
        && Comparison.Numbers(value).Any(x => x != 0 && Math.Abs(x) < Math.ScaleB(1, -126));

    private static bool Has(FuzzProgram program, string[] operations) => program.Steps.Any(
        step => operations.Any(name => step.Operation.StartsWith(name, StringComparison.Ordinal)));

    // The step that made the value; steps of several outputs are told by the values that follow
    private static Step? StepAt(FuzzProgram program, Outcome cpu, int place)
    {
        int value = 0;
        foreach (Step step in program.Steps)
        {
            int n = Outputs(program, step, value);
            if (place < value + n)
                return step;
            value += n;
        }

        return null;
    }

    private static int Outputs(FuzzProgram program, Step step, int value) => step.Operation switch
    {
        "divmod" => 2,
        "quantize" => 3,
        "split" => step.Arguments["num_splits"]!.GetValue<int>(),
        "split_sections" => step.Arguments["indices"]!.AsArray().Count + 1,
        _ => 1,
    };

    // What the step works on
    private static Operated OperandOf(FuzzProgram program, Outcome cpu, Step? step)
    {
        int number = step?.Operands.SelectMany(operand => operand.Values).FirstOrDefault(int.MaxValue) ?? int.MaxValue;
        if (number == int.MaxValue)
            return new Operated(new Value("float32", [], [], null));
        Input? input = number < 0 ? program.Inputs[-1 - number] : null;
        return new Operated(input is null ? cpu.Values[number] : new Value(input.Type, input.Shape, input.Bytes, null));
    }

    private sealed record Operated(Value Value)
    {
        public string Type => Value.Type;

        public int[] Shape => Value.Shape;

        public bool IsInexact => Elements.IsInexact(Type);

        public bool HasNegativeZero => Comparison.Numbers(Value).Any(x => x == 0 && double.IsNegative(x));

        public double Most => Comparison.Numbers(Value).Select(Math.Abs).DefaultIfEmpty().Max();
    }

    private static Input[] Variables(FuzzProgram program) => [.. program.Inputs.Where(input => input.IsVariable)];

    private static bool IsEachIndex(FuzzProgram program, Value whole)
    {
        int n = Variables(program)[0].Shape[Variables(program)[0].BatchAxis];
        int size = whole.Bytes.Length / n;
        for (int index = 0; index < n; index++)
        {
            Value one = Execution.Run(program with { Transform = "none" }, index: index).Values[^1];
            Value part = new(one.Type, one.Shape, whole.Bytes[(index * size)..((index + 1) * size)], null);
            if (part.Bytes.Length != one.Bytes.Length || !Comparison.AreClose(part, one))
                return false;
        }

        return true;
    }
}
