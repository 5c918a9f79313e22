using System.Text.Json;

namespace ElmMlx.Differential;

/// <summary>Programs with MLX's outcomes, a line of JSON each.</summary>
internal static class Recording
{
    private sealed record Entry(FuzzProgram Program, Outcome Mlx);

    /// <summary>Records programs on which both providers agree.</summary>
    public static int Write(int count, string file)
    {
        var programs = new ProgramGen();
        using var mlx = new OtherProvider();
        using var lines = new StreamWriter(file) { NewLine = "\n" };
        int nWritten = 0;
        for (int seed = 1; nWritten < count; seed++)
        {
            FuzzProgram program = KnownDifferences.Reduce(programs.Of(seed));
            if (program.Inputs.Sum(x => x.Bytes.Length) > 600)
                continue;
            Outcome outcome = mlx.Run(program);
            if (outcome.Death is not null || outcome.Values.Sum(x => x.Bytes.Length) > 1200
                || Comparison.First(program, Execution.Run(program), outcome) is not null)
                continue;
            lines.WriteLine(JsonSerializer.Serialize(new Entry(program, outcome)));
            nWritten++;
        }

        return 0;
    }

    /// <summary>Runs the recorded programs on the provider that is loaded; answers 1 if one differs.</summary>
    public static int Replay(string file)
    {
        int nPrograms = 0, nDifferent = 0;
        foreach (string line in File.ReadLines(file))
        {
            (FuzzProgram program, Outcome mlx) = JsonSerializer.Deserialize<Entry>(line)!;
            nPrograms++;
            if (Comparison.First(program, Execution.Run(program), mlx) is { } difference)
            {
                nDifferent++;
                Console.WriteLine(
                    $"program {nPrograms}: value {difference.Place}: {difference.Text}\n{program.Describe()}");
            }
        }

        Console.WriteLine($"{nPrograms} programs, {nDifferent} differ");
        return nDifferent == 0 ? 0 : 1;
    }
}
