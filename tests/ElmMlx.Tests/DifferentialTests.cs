using Xunit;

namespace ElmMlx.Tests;

/// <summary>Programs made at random, and what MLX answered to them.</summary>
public class DifferentialTests
{
    [Fact]
    public void Recorded_programs_give_what_MLX_gave()
    {
        CommandProcess.Result result = CommandProcess.Differential(
            "replay", Path.Combine(AppContext.BaseDirectory, "fixtures", "differential", "programs.jsonl"));

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.EndsWith("400 programs, 0 differ\n", result.Output);
    }
}
