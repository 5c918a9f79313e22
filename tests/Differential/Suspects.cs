namespace ElmMlx.Differential;

/// <summary>Which operations a difference under a transform comes from.</summary>
internal static class Suspects
{
    /// <summary>The steps that differ alone, under the same transform, on the operands that they had.</summary>
    public static IEnumerable<Suspect> Of(FuzzProgram program, OtherProvider mlx)
    {
        Input? batched = program.Inputs.FirstOrDefault(input => input.BatchAxis >= 0);
        int n = batched is null ? 1 : batched.Shape[batched.BatchAxis];
        FuzzProgram plain = program with { Transform = "none" };
        Outcome[] cpu = [.. Enumerable.Range(0, n).Select(index => Execution.Run(plain, index: index))];
        HashSet<int> moving = [.. Enumerable.Range(0, program.Inputs.Count)
            .Where(i => program.Inputs[i].IsVariable).Select(i => -1 - i)];
        int first = 0;
        foreach (Step step in program.Steps)
        {
            int end = first + step.Outputs;
            if (end > cpu[0].Values.Count)
                yield break;
            if (step.Operands.Any(operand => operand.Values.Any(moving.Contains)))
            {
                moving.UnionWith(Enumerable.Range(first, end - first).Where(
                    i => batched is not null || Elements.IsFloat(cpu[0].Values[i].Type)));
                if (moving.Contains(end - 1) && Alone(program, step, cpu, moving, mlx) is { } suspect)
                    yield return suspect;
            }

            first = end;
        }
    }

    // Under vmap with the axis of the batch at any place
    private static Suspect? Alone(
        FuzzProgram program, Step step, Outcome[] cpu, HashSet<int> moving, OtherProvider mlx)
    {
        int most = program.Transform == "vmap" ? program.OperandsOf(step, cpu[0]).Max(value => value.Shape.Length) : 0;
        for (int axis = 0; axis <= most; axis++)
        {
            FuzzProgram alone = program.Alone(step, value => moving.Contains(value)
                ? Moving(program, value, cpu, axis)
                : program.At(value, cpu[0]));
            Outcome ours = Execution.Run(alone), other = mlx.Run(alone);
            if (Comparison.First(alone, ours, other) is { } difference)
                return new Suspect(alone, ours, other, difference);
        }

        return null;
    }

    // As a variable; under vmap the value at each index of the batch, along an axis of its own
    private static Input Moving(FuzzProgram program, int value, Outcome[] cpu, int axis)
    {
        Input[] parts = [.. cpu.Select((outcome, index) => program.At(value, outcome, index))];
        Input first = parts[0] with { IsVariable = true };
        if (program.Transform != "vmap")
            return first;
        int at = Math.Min(axis, first.Shape.Length), nRows = Size(first.Shape[..at]);
        int row = nRows == 0 ? 0 : first.Bytes.Length / nRows;
        return first with
        {
            Shape = [.. first.Shape[..at], parts.Length, .. first.Shape[at..]],
            Bytes = [.. Enumerable.Range(0, nRows).SelectMany(
                i => parts.SelectMany(part => part.Bytes[(i * row)..((i + 1) * row)]))],
            BatchAxis = at,
        };
    }

    private static int Size(int[] shape) => shape.Aggregate(1, (product, length) => product * length);
}

/// <summary>A program of one step on which the providers differ.</summary>
internal sealed record Suspect(FuzzProgram Program, Outcome Cpu, Outcome Mlx, Difference Difference);
