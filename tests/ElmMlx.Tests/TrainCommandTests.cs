using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// <c>elm train</c> as a person runs it: what it prints and writes, killed and interrupted runs, mistakes.
/// </summary>
public sealed class TrainCommandTests : IDisposable
{
    private readonly PretrainingFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Killed_and_resumed_run_ends_as_if_nothing_had_been()
    {
        string whole = _folder.At("whole"), killed = _folder.At("killed");
        string[] options = ["--max-iterations", "14", "--set", "common.save_interval_freq=1", "--average", "3"];
        CommandProcess.Result run = Train(whole, options);
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Contains("  scheduler.max_iterations: 14\n", run.Output);
        Assert.Contains("Not used here: taskname, ", run.Output);
        Assert.Contains("M parameters; 15 updates of 2 × 2 rows of 32 tokens.", run.Output);
        Assert.Contains("Iter 14: Train loss ", run.Output);
        Assert.Contains("Training loss, smoothed: ", run.Output);
        Assert.Contains("model_average is the mean of updates 13, 14, 15, as a model folder.", run.Output);
        Assert.All(
            new[] { "loss.svg", "loss.png", "checkpoint_last.yaml", "checkpoint_last.architecture.json",
                "training_checkpoint_last.pt" },
            file => Assert.True(File.Exists(Path.Combine(whole, file)), file));
        // k_best_checkpoints is 5
        Assert.Equal(3 + 2, Directory.GetDirectories(Path.Combine(whole, "checkpoints")).Length);

        for (int lines = 3; lines <= 9; lines += 6)
        {
            using Process process = CommandProcess.StartElm(Line(killed, [.. options, "--resume"]));
            Wait(process, killed, lines);
            process.Kill();
            process.WaitForExit();
        }

        CommandProcess.Result resumed = Train(killed, [.. options, "--resume"]);
        Assert.True(resumed.ExitCode == 0, resumed.ToString());
        Assert.Contains("Going on after update ", resumed.Output);
        Assert.Equal(16, File.ReadLines(Path.Combine(killed, "metrics.jsonl")).Count());
        if (TestProvider.IsCpu)         // on MLX to rounding
            foreach (string file in new[]
                { "checkpoint_last.pt", "checkpoint_ema_last.pt", "checkpoint_average.pt", "model/model.safetensors" })
                Assert.Equal(
                    File.ReadAllBytes(Path.Combine(whole, file)), File.ReadAllBytes(Path.Combine(killed, file)));

        File.Delete(Path.Combine(killed, "checkpoint_average.pt"));
        CommandProcess.Result mean =
            CommandProcess.Elm("", "train", "--output", killed, "--average", "3", "--save-as", "corenet");
        Assert.True(mean.ExitCode == 0, mean.ToString());
        Assert.True(File.Exists(Path.Combine(killed, "checkpoint_average.pt")));
        CommandProcess.Result said = CommandProcess.Elm(
            "", "generate", "--model", Path.Combine(killed, "model_average"), "--prompt", "a", "--max-tokens", "2",
            "--quiet");
        Assert.True(said.ExitCode == 0, said.ToString());
    }

    [Fact]
    public void Interrupted_run_says_how_to_go_on()
    {
        if (OperatingSystem.IsWindows())
            return;
        string output = _folder.At("interrupted");
        using Process process = CommandProcess.StartElm(Line(output, "--max-iterations", "100000"));
        Wait(process, output, 4);
        using (var signal = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]))
            signal.WaitForExit();
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(130, process.ExitCode);
        Assert.Contains(
            $"of 100001 updates; this goes on: elm train -c {_folder.Yaml} --output {output} --max-iterations " +
                "100000 --resume", said);
        using var last = JsonDocument.Parse(File.ReadLines(Path.Combine(output, "metrics.jsonl")).Last());
        string step = last.RootElement.GetProperty("step").GetInt64().ToString("0000000", CultureInfo.InvariantCulture);
        Assert.True(Directory.Exists(Path.Combine(output, "checkpoints", step)));
    }

    [Fact]
    public void Mistakes_end_in_one_sentence()
    {
        string output = _folder.At("mistakes");
        Refused("--config names no file.", CommandProcess.Elm("", "train"));
        Refused("has no checkpoint; train first",
            CommandProcess.Elm("", "train", "--output", output, "--average", "2"));
        Refused("There is no configuration", CommandProcess.Elm("", "train", "-c", _folder.At("none.yaml")));
        Refused("is no KEY=VALUE", Train(output, "--set", "common.seed"));
        Refused("optim.name is 'sgd'", Train(output, "--set", "optim.name=sgd"));
        Refused("a run of 9 updates that saves every 3 makes 3 checkpoints", Train(output, "--average", "4"));
        Assert.False(Directory.Exists(output));
        Assert.Equal(0, Train(output, "--max-iterations", "2", "--save-as", "corenet").ExitCode);
        Assert.False(Directory.Exists(Path.Combine(output, "model")));
        Refused("has checkpoints of another run: go on with --resume", Train(output));
        Refused("common.seed was 0 and is 5; scheduler.max_iterations was 2 and is 8",
            Train(output, "--resume", "--seed", "5"));
    }

    private static void Refused(string sentence, CommandProcess.Result result)
    {
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains(sentence, Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    private CommandProcess.Result Train(string output, params string[] options) =>
        CommandProcess.Elm("", Line(output, options));

    private string[] Line(string output, params string[] options) =>
        ["train", "-c", _folder.Yaml, "--output", output, .. options];

    private static void Wait(Process process, string output, int lines)
    {
        string metrics = Path.Combine(output, "metrics.jsonl");
        while (!process.HasExited && !(File.Exists(metrics) && Count(metrics) >= lines))
            Thread.Sleep(5);
    }

    private static int Count(string file)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using StreamReader reader = new(stream);
        return reader.ReadToEnd().Count(character => character == '\n');
    }
}
