namespace ElmMlx.Differential;

/// <summary>Runs many programs on both providers; tells what differs.</summary>
internal static class Campaign
{
    private const int NamedPrograms = 3;

    /// <summary>The programs of the numbers from <paramref name="first"/> on; answers 1 if one differs.</summary>
    public static int Run(int count, int first)
    {
        var programs = new ProgramGen();
        using var mlx = new OtherProvider();
        var known = new SortedDictionary<string, List<int>>(StringComparer.Ordinal);
        int nDifferent = 0, nRefused = 0, nReduced = 0, nTransformed = 0;
        for (int seed = first; seed < first + count; seed++)
        {
            FuzzProgram drawn = programs.Of(seed), program = KnownDifferences.Reduce(drawn);
            nReduced += drawn == program ? 0 : 1;
            Outcome cpu = Execution.Run(program);
            nRefused += cpu.Values.Any(value => value.Error is not null) ? 1 : 0;
            nTransformed += program.Transform == "none" ? 0 : 1;
            (Difference? difference, string? reason) = Judge(program, cpu, mlx);
            if (difference is not null && reason is null)
            {
                mlx.Renew();        // another program may have written where it must not
                (difference, reason) = Judge(program, cpu, mlx);
            }

            if (reason is not null)
                (known.TryGetValue(reason, out List<int>? seeds) ? seeds : known[reason] = []).Add(seed);
            if (difference is null || reason is not null)
                continue;
            nDifferent++;
            Console.WriteLine($"program {seed}: value {difference.Place}: {difference.Text}\n{program.Describe()}");
            if (difference.Place >= cpu.Values.Count)
            {
                foreach (Suspect suspect in Suspects.Of(program, mlx))
                    Console.WriteLine($"  alone: {suspect.Difference.Text}: {suspect.Program.Describe()}");
            }
        }

        foreach ((string reason, List<int> seeds) in known)
            Console.WriteLine($"{seeds.Count} x {reason} ({string.Join(", ", seeds.Take(NamedPrograms))})");
        Console.WriteLine($"{count} programs, {nTransformed} with a transform ({nReduced} without theirs by rule), "
            + $"{nRefused} refused, {known.Values.Sum(seeds => seeds.Count)} known differences, {nDifferent} differ");
        return nDifferent == 0 ? 0 : 1;
    }

    private static (Difference? Difference, string? Reason) Judge(FuzzProgram program, Outcome cpu, OtherProvider mlx)
    {
        Outcome other = mlx.Run(program);
        Difference? difference = Comparison.First(program, cpu, other);
        return (difference, difference is null ? null : KnownDifferences.Reason(program, cpu, other, difference, mlx));
    }
}
