using System.Text.Json;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// <c>elm lora</c> when something is wrong: a full disk, numbers that are none, files of another model.
/// </summary>
public sealed class LoraFailureTests : IDisposable
{
    private static readonly string Micro = Fixtures.Path("mlx-lm/micro");
    private readonly string _root = Directory.CreateTempSubdirectory("elmmlx-fail-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    // No file may be longer than 8 KiB in the second run: what a full disk does to a checkpoint, without filling one.
    [Fact]
    public void Checkpoint_that_does_not_fit_leaves_the_former_one_to_go_on_from()
    {
        if (OperatingSystem.IsWindows())
            return;
        string adapters = At("adapters"), whole = At("whole");
        Assert.Equal(0, Lora(whole, "--iters", "6", "--save-every", "2").ExitCode);
        Assert.Equal(0, Lora(adapters, "--iters", "2", "--save-every", "2").ExitCode);
        string[] before = Snapshot(adapters);
        CommandProcess.Result full = CommandProcess.ElmWithin(
            kibibytes: 8, Line(adapters, "--iters", "6", "--save-every", "2", "--resume"));
        Assert.True(full.ExitCode == 1, full.ToString());
        string sentence = Assert.Single(full.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith(
            $"elm: The checkpoint of step 4 could not be written to {Path.Combine(adapters, "checkpoints")} " +
                "(adapters.safetensors", sentence, StringComparison.Ordinal);
        Assert.EndsWith(
            " would be longer than a file may be there); the checkpoint of step 2 still stands. Make room, or make " +
                "the folder writable, and go on with --resume.", sentence, StringComparison.Ordinal);
        Assert.Equal(before, Snapshot(adapters));

        CommandProcess.Result resumed = Lora(adapters, "--iters", "6", "--save-every", "2", "--resume");
        Assert.True(resumed.ExitCode == 0, resumed.ToString());
        Assert.Contains("Going on after iteration 2.", resumed.Output);
        if (TestProvider.IsCpu)
            Assert.Equal(File.ReadAllBytes(Path.Combine(whole, "adapters.safetensors")),
                File.ReadAllBytes(Path.Combine(adapters, "adapters.safetensors")));
    }

    [Fact]
    public void Rate_that_destroys_the_weights_is_named_with_step_and_rows()
    {
        CommandProcess.Result run = Lora(At("adapters"), "--iters", "20", "--learning-rate", "1e30");
        Assert.Equal(1, run.ExitCode);
        Assert.Matches(
            @"^elm: Step \d+: (the loss|a gradient) is infinite or NaN for 5 batches in a row " +
            @"\(rows: \S+train\.jsonl, line \d+; \S+train\.jsonl, line \d+; learning rate 1e\+30\)\. Lower the learning rate, clip the " +
            "gradient, or look at these rows; the last checkpoint stands.\n$", run.Errors);
    }

    [Fact]
    public void Weights_that_are_no_numbers_end_the_run_in_its_first_steps()
    {
        string model = CopyOf(Micro);
        string path = Path.Combine(model, "model.safetensors");
        byte[] bytes = File.ReadAllBytes(path);
        using (SafetensorsFile file = SafetensorsFile.Open(path))
            // NaN in bfloat16
            BitConverter.TryWriteBytes(bytes.AsSpan((int)file["transformer.norm.weight"].Offset), (ushort)0x7FC0);
        File.WriteAllBytes(path, bytes);
        CommandProcess.Result run = CommandProcess.Elm("", Line(At("adapters"), "--iters", "20", "--model", model));
        Assert.Equal(1, run.ExitCode);
        Assert.Matches(
            @"^elm: Step 5: the loss is infinite or NaN for 5 batches in a row \(rows: .*; learning rate 0\.001\)\.",
            run.Errors);
        Assert.False(File.Exists(Path.Combine(At("adapters"), "adapters.safetensors")));
    }

    [Fact]
    public void Data_without_a_validation_set_trains_without_evaluations()
    {
        string data = Directory.CreateDirectory(At("data")).FullName;
        File.Copy(Fixtures.Path("train/data/completions/train.jsonl"), Path.Combine(data, "train.jsonl"));
        CommandProcess.Result run = CommandProcess.Elm("", Line(At("adapters"), "--iters", "3", "--data", data));
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Contains($"{data} has no valid.jsonl: training goes without evaluations.", run.Output);
        Assert.DoesNotContain("Val loss", run.Output);
        JsonElement[] lines = [.. File.ReadLines(Path.Combine(At("adapters"), "metrics.jsonl"))
            .Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal([1, 2, 3], lines.Select(line => line.GetProperty("step").GetInt32()));
        Assert.All(lines, line => Assert.Equal(JsonValueKind.Null, line.GetProperty("val_loss").ValueKind));
        Assert.False(Directory.Exists(Path.Combine(At("adapters"), "best")));
    }

    [Fact]
    public void Adapters_that_do_not_fit_are_named_with_both_shapes()
    {
        string adapters = At("adapters");
        Assert.Equal(0, Lora(adapters, "--iters", "1", "--rank", "4").ExitCode);
        string file = Path.Combine(adapters, "adapters.safetensors");
        Refused(
            $"{file}: transformer.layers.2.attn.out_proj.lora_a is [64, 4], and the model needs [64, 8].",
            Lora(At("other"), "--iters", "1", "--rank", "8", "--resume-adapter-file", file));
        Refused(
            $"{file}: the model has no tensor transformer.layers.2.attn.out_proj.lora_a; these weights belong to " +
                "another model.",
            Lora(At("other"), "--iters", "1", "--rank", "4", "--keys", "attn.qkv_proj", "--resume-adapter-file", file));
        string wide = CopyOf(Fixtures.Path("mlx-lm/micro-kv"));
        File.Copy(Path.Combine(Micro, "tokenizer.json"), Path.Combine(wide, "tokenizer.json"), overwrite: true);
        CommandProcess.Result said = CommandProcess.Elm(
            "", "generate", "--model", wide, "--adapter-path", adapters, "--prompt", "a", "--max-tokens", "1");
        Refused("transformer.layers.2.", said);
        Refused("these adapters belong to another model.", said);
        Assert.False(Directory.Exists(At("other")));
    }

    private static void Refused(string sentence, CommandProcess.Result result)
    {
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains(sentence, Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    private string At(string name) => Path.Combine(_root, name);

    private CommandProcess.Result Lora(string adapters, params string[] options) =>
        CommandProcess.Elm("", Line(adapters, options));

    // The options, and those of a short run that they do not say otherwise.
    private static string[] Line(string adapters, params string[] options)
    {
        List<string> line =
        [
            "lora", "--train", "--mask-prompt", "--adapter-path", adapters, "--dtype", "float32", "--batch-size", "2",
            "--num-layers", "2",
            "--val-batches", "1",
        ];
        foreach ((string name, string value) in new[]
            { ("--learning-rate", "1e-3"), ("--model", Micro), ("--data", Fixtures.Path("train/data/completions")) })
        {
            if (!options.Contains(name))
                line.AddRange([name, value]);
        }
        return [.. line, .. options];
    }

    private string CopyOf(string folder)
    {
        string copy = Directory.CreateDirectory(At("copy")).FullName;
        foreach (string file in Directory.EnumerateFiles(folder))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        return copy;
    }

    // Names, lengths and bytes of all files but the log, which has the lines of the steps that were made.
    private static string[] Snapshot(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Where(path => Path.GetFileName(path) is not ("metrics.jsonl" or "adapter_config.json")
            && !Path.GetFileName(path).StartsWith("loss.", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal)
        .Select(path =>
            $"{path} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))}")];
}
