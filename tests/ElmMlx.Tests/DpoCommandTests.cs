using System.Text.Json;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// <c>elm dpo</c> as a person runs it, on the micro model: what it prints and writes, going on, mistakes.
/// </summary>
public sealed class DpoCommandTests : IDisposable
{
    private static readonly string Model = Fixtures.Path("mlx-lm/micro");
    private readonly string _root = Directory.CreateTempSubdirectory("elm-dpo-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Run_tells_margins_and_goes_on()
    {
        string data = Data(), whole = At("whole"), parts = At("parts");
        CommandProcess.Result run = Dpo(data, whole, "--iters", "8", "--test");
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Contains("train.jsonl: 8 pairs, ", run.Output);
        Assert.Contains("train.jsonl: reference log-probabilities of 2 of 2 batches", run.Output);
        Assert.Contains("Iter 0: Val loss 1.000, reward chosen 0.000, reward rejected 0.000, margin 0.000, accuracy " +
            "0.000, Val took ", run.Output);
        Assert.Matches(@"Iter 8: Train loss 0\.\d{3}, reward chosen -?\d+\.\d{3}, reward rejected -\d+\.\d{3}, margin \d+\.\d{3}, accuracy 1\.000, Learning Rate ", run.Output);
        Assert.Matches(@"Test loss 0\.\d{3}, reward chosen .*, accuracy 1\.000\.", run.Output);
        JsonElement last = JsonDocument.Parse(File.ReadLines(Path.Combine(whole, "metrics.jsonl")).Last()).RootElement;
        Assert.Equal(1, last.GetProperty("val_accuracy").GetDouble());
        Assert.True(last.GetProperty("train_margin").GetDouble() > 0.5);
        JsonElement config =
            JsonDocument.Parse(File.ReadAllBytes(Path.Combine(whole, "adapter_config.json"))).RootElement;
        Assert.Equal(("hinge", 0.2), (config.GetProperty("loss").GetString(), config.GetProperty("beta").GetDouble()));

        Assert.Equal(0, Dpo(data, parts, "--iters", "3").ExitCode);
        CommandProcess.Result resumed = Dpo(data, parts, "--iters", "8", "--resume");
        Assert.Contains("Going on after iteration 3.", resumed.Output);
        if (TestProvider.IsCpu)         // on MLX to rounding
            Assert.Equal(
                File.ReadAllBytes(Path.Combine(whole, "adapters.safetensors")),
                File.ReadAllBytes(Path.Combine(parts, "adapters.safetensors")));
        Refused("beta was 0.2 and is 0.3", Dpo(data, parts, "--iters", "9", "--resume", "--beta", "0.3"));
        Refused("has checkpoints of another run: go on with --resume", Dpo(data, whole));

        // begun with adapters: the reference is still the model without them
        CommandProcess.Result second = Dpo(data, At("second"), "--iters", "1", "--resume-adapter-file", whole);
        Assert.True(second.ExitCode == 0, second.ToString());
        Assert.Matches(@"Iter 0: Val loss 0\.\d{3}, .*accuracy 1\.000, Val took ", second.Output);

        // measured alone: the adapters against the model without them
        CommandProcess.Result tested = CommandProcess.Elm(
            "", "dpo", "--model", Model, "--data", data, "--test", "--adapter-path", whole, "--loss", "hinge", "--beta",
            "0.2", "--dtype", "float32");
        Assert.Equal(TestLine(run), TestLine(tested));

        static string TestLine(CommandProcess.Result result) =>
            result.Output.Split('\n').Single(line => line.StartsWith("Test loss ", StringComparison.Ordinal));
    }

    [Fact]
    public void Settings_of_a_file_count()
    {
        string yaml = At("dpo.yaml"), data = Data("ask");
        File.WriteAllText(yaml, $"model: {Model}\ndata: {data}\ntrain: true\nloss: hinge\nbeta: " +
            "0.05\nprompt_feature: ask\niters: 1\nmask_prompt: true\n");
        CommandProcess.Result run =
            CommandProcess.Elm("", "dpo", "-c", yaml, "--adapter-path", At("yaml"), "--num-layers", "1");
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Contains("Iter 0: Val loss 1.000", run.Output);
        Assert.Contains("mask_prompt is not used here.", run.Output);
    }

    [Fact]
    public void Mistakes_end_in_one_sentence()
    {
        string bad = Directory.CreateDirectory(At("bad")).FullName;
        File.WriteAllText(Path.Combine(bad, "train.jsonl"),
            "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n{\"prompt\": \"a\", \"chosen\": \"b\"}\n");
        Refused("train.jsonl, line 2: the record has no 'rejected'.", Dpo(bad, At("m1")));
        CommandProcess.Result skipped = Dpo(bad, At("m2"), "--iters", "1", "--skip-bad-lines");
        Assert.Contains("train.jsonl: 1 pairs, ", skipped.Output);
        Assert.Contains("; 1 bad lines skipped", skipped.Output);
        Assert.Contains("line 2: the record has no 'rejected'.", skipped.Errors);
        Refused("beta is 0; it must be above 0.", Dpo(bad, At("m3"), "--beta", "0"));
        Refused("max_prompt_length is 64; it must be from 1 to 31",
            Dpo(bad, At("m4"), "--max-seq-length", "32", "--max-prompt-length", "64"));
        Refused("Give --train, --test or both.", CommandProcess.Elm("", "dpo", "--model", Model, "--data", bad));
        Assert.Equal(2, Dpo(bad, At("m5"), "--loss", "ipo").ExitCode);
        Assert.All((string[])["m1", "m3", "m4", "m5"], name => Assert.False(Directory.Exists(At(name)), name));
    }

    private static void Refused(string sentence, CommandProcess.Result result)
    {
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains(sentence, Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    private string At(string name) => Path.Combine(_root, name);

    private static CommandProcess.Result Dpo(string data, string adapters, params string[] options)
    {
        List<string> line = ["dpo", "--model", Model, "--data", data, "--train", "--adapter-path", adapters];
        foreach ((string name, string value) in new[]
            { ("--dtype", "float32"), ("--num-layers", "2"), ("--rank", "4"), ("--steps-per-report", "2"),
                ("--learning-rate", "1e-3"), ("--loss", "hinge"), ("--beta", "0.2") })
        {
            if (!options.Contains(name))
                line.AddRange([name, value]);
        }

        return CommandProcess.Elm("", [.. line, .. options]);
    }

    // Eight, four and four pairs that prefer yes.
    private string Data(string prompt = "prompt")
    {
        string folder = Directory.CreateDirectory(At("data-" + prompt)).FullName;
        foreach ((string name, int count) in new[] { ("train", 8), ("valid", 4), ("test", 4) })
            File.WriteAllLines(Path.Combine(folder, name + ".jsonl"), Enumerable.Range(0, count).Select(
                i => $$"""{"{{prompt}}": "Is {{i}} a number?", "chosen": " yes", "rejected": " no"}"""));
        return folder;
    }
}
