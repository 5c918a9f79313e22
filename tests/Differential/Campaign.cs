namespace ElmMlx.Differential;

/// <summary>Runs many programs on both providers; tells what differs.</summary>
internal static class Campaign
{
    /// <summary>The programs of the numbers from <paramref name="first"/> on; answers 1 if one differs.</summary>
    public static int Run(int count, int first)
    {
        var programs = new ProgramGen();
        using var mlx = new OtherProvider();
        var known = new SortedDictionary<string, int>(StringComparer.Ordinal);
        int nDifferent = 0, nRefused = 0, nReduced = 0, nTransformed = 0;
        for (int seed = first; seed < first + count; seed++)
        {
            FuzzProgram drawn = programs.Of(seed), program = KnownDifferences.Reduce(drawn);
            nReduced += drawn == program ? 0 : 1;
            Outcome cpu = Execution.Run(program), other = mlx.Run(program);
            nRefused += cpu.Values.Any(value => value.Error is not null) ? 1 : 0;
            nTransformed += program.Transform == "none" ? 0 : 1;
            if (Comparison.First(program, cpu, other) is not { } difference)
                continue;
            if (KnownDifferences.Reason(program, cpu, other, difference) is { } reason)
            {
                known[reason] = known.GetValueOrDefault(reason) + 1;
                continue;
            }

            nDifferent++;
            Console.WriteLine($"program {seed}: value {difference.Place}: {difference.Text}\n{program.Describe()}");
        }

        foreach ((string reason, int n) in known)
            Console.WriteLine($"{n} x {reason}");
        Console.WriteLine($"{count} programs, {nTransformed} with a transform ({nReduced} without theirs by rule), {nRefused} refused, "
            + $"{known.Values.Sum()} known differences, {nDifferent} differ");
        return nDifferent == 0 ? 0 : 1;
    }
}
