using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

namespace ElmMlx.Tests;

/// <summary>
/// Runs of <c>elm lora</c> that are killed (SIGKILL) at random moments and resumed end with the numbers of a run that
/// nothing disturbed. <c>ELMMLX_KILLS</c> says how often; 3 unless told.
/// </summary>
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    private const int LongestStartMilliseconds = 2500;
    private readonly string _root = Directory.CreateTempSubdirectory("elmmlx-kill-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Run_killed_at_random_moments_ends_as_if_nothing_had_been()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("ELMMLX_KILLS") ?? "3", CultureInfo.InvariantCulture);
        int steps = Math.Max(120, 4 * kills), seed = Environment.TickCount;
        var random = new Random(seed);
        var clock = Stopwatch.StartNew();
        string whole = Path.Combine(_root, "whole"), killed = Path.Combine(_root, "killed");
        Finish(whole, steps);
        var ends = new List<long>();
        for (int left = kills; left > 0; left--)
        {
            using Process process = CommandProcess.StartElm(Line(killed, steps, random.Next(1, 4)));
            WaitFor(random, process, killed, random.Next(0, 2 * (steps - LastStep(killed)) / (left + 2) + 1));
            process.Kill();
            process.WaitForExit();
            // 128 + SIGKILL; a run that ended by itself ended well
            Assert.True(process.ExitCode is 137 or 0, $"seed {seed}: exit code {process.ExitCode}: " +
                $"{process.StandardError.ReadToEnd()}");
            ends.Add(LastStep(killed));
        }
        Finish(killed, steps);
        output.WriteLine(
            $"seed {seed}: {kills} kills after steps {string.Join(' ', ends)} of {steps}, " +
                $"{clock.Elapsed.TotalSeconds:F0} s");
        AssertSame(whole, killed, steps, $"seed {seed}, killed after steps {string.Join(' ', ends)}");
    }

    // Without a limit of time: so many steps, each with a flushed checkpoint, take as long as the disk lets them.
    private static void Finish(string adapters, int steps)
    {
        using Process process = CommandProcess.StartElm(Line(adapters, steps, 3));
        Task<string> errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.Result);
    }

    private static string[] Line(string adapters, int steps, int saveEvery) =>
    [
        "lora", "--model", Fixtures.Path("mlx-lm/micro"), "--data", Fixtures.Path("train/data/completions"), "--train",
        "--mask-prompt",
        "--adapter-path", adapters, "--iters", $"{steps}", "--save-every", $"{saveEvery}", "--dtype", "float32",
        "--batch-size", "2",
        "--num-layers", "2", "--learning-rate", "1e-3", "--dropout", "0.1", "--grad-accumulation-steps", "3",
        "--clip-grad-norm", "5",
        "--steps-per-eval", "7", "--val-batches", "2", "--keep-last", "2", "--resume",
    ];

    // Until the log has some lines more, and a little longer; without any, at a moment while the program starts.
    private static void WaitFor(Random random, Process process, string folder, int gain)
    {
        if (gain == 0)
        {
            Thread.Sleep(random.Next(0, LongestStartMilliseconds));
            return;
        }
        int goal = LastStep(folder) + gain;
        while (!process.HasExited && LastStep(folder) < goal)
            Thread.Sleep(1);
        Thread.Sleep(random.Next(0, 40));
    }

    // The last whole line's step; 0 where there is none.
    private static int LastStep(string folder)
    {
        string path = Path.Combine(folder, "metrics.jsonl");
        if (!File.Exists(path))
            return 0;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        string[] lines = reader.ReadToEnd().Split('\n');
        return lines.Length < 2 ? 0 : JsonDocument.Parse(lines[^2]).RootElement.GetProperty("step").GetInt32();
    }

    // On MLX to rounding, for its threads may sum in another order.
    private static void AssertSame(string whole, string killed, int steps, string what)
    {
        JsonElement[] expected = Metrics(whole), actual = Metrics(killed);
        Assert.Equal(Enumerable.Range(0, steps + 1), actual.Select(line => line.GetProperty("step").GetInt32()));
        foreach ((JsonElement line, JsonElement other) in expected.Zip(actual))
        {
            foreach (string name in (string[])["train_loss", "val_loss", "learning_rate", "grad_norm", "tokens"])
            {
                JsonElement a = line.GetProperty(name), b = other.GetProperty(name);
                bool isSame = TestProvider.IsCpu || a.ValueKind != JsonValueKind.Number
                    ? a.GetRawText() == b.GetRawText()
                    : Math.Abs(a.GetDouble() - b.GetDouble()) <= 1e-3 * Math.Abs(a.GetDouble());
                Assert.True(isSame, $"{what}: step {line.GetProperty("step")}: {name} is {b}, without kills {a}");
            }
        }
        if (TestProvider.IsCpu)
        {
            foreach (string file in (string[])["adapters.safetensors", "best/adapters.safetensors",
                $"checkpoints/{steps:0000000}/state.safetensors"])
                Assert.True(
                    File.ReadAllBytes(Path.Combine(whole, file)).AsSpan().SequenceEqual(
                        File.ReadAllBytes(Path.Combine(killed, file))),
                    $"{what}: {file} differs");
        }
        Assert.Equal(Files(whole, steps), Files(killed, steps));
    }

    // All but former checkpoints, which stand where the last --save-every put them.
    private static IEnumerable<string> Files(string folder, int steps) =>
        Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(folder, path))
            .Where(path => !path.StartsWith($"checkpoints{Path.DirectorySeparatorChar}0", StringComparison.Ordinal)
                || path.Contains($"{steps:0000000}", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);

    private static JsonElement[] Metrics(string folder) => [.. File.ReadLines(Path.Combine(folder, "metrics.jsonl"))
        .Select(line => JsonDocument.Parse(line).RootElement)];
}
