using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace ElmMlx.Tests;

/// <summary><c>elm lora</c> as a person runs it: what it prints and writes, killed runs, mistakes.</summary>
public sealed class LoraCommandTests(DemoFolder demo) : IClassFixture<DemoFolder>
{
    private const string CoreNetRecipe = """
        taskname: lora
        _anchor_length: &length 64
        common: {run_label: train, grad_clip: 1.0, accum_freq: 2, mixed_precision: true}
        dataset:
          train_batch_size0: 2
          language_modeling: {sequence_length: *length}
        optim: {name: adamw, weight_decay: 0, no_decay_bn_filter_bias: true, adamw: {beta1: 0.9, beta2: 0.95, eps: 1.e-8}}
        scheduler:
          max_iterations: 3
          name: cosine
          warmup_iterations: 2
          warmup_init_lr: 1.e-06
          cosine: {max_lr: 0.0003, min_lr: 0.00003}
        model:
          activation_checkpointing: false
          language_modeling: {name: general_gpt, general_gpt: {model_name: OpenELM-demo, vocab_size: 2176}}
          lora:
            use_lora: true
            config:
              - {regex: '.*token_embedding.*', module_type: embedding, params: &p {adapter_name: lora, r: 4, lora_alpha: 8, lora_dropout: 0.1}}
              - {regex: '.*out_proj.*', module_type: linear, params: *p}
              - {regex: '.*qkv_proj.*', module_type: linear, params: *p}
        """;

    [Fact]
    public void Run_writes_what_mlx_lm_and_generate_read()
    {
        string adapters = demo.At("adapters");
        CommandProcess.Result run = Lora(adapters, "--iters", "4", "--test", "--learning-rate", "1e-4");
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Matches(@"Trainable parameters: \d\.\d{3}% \(0\.\d{3}M/2\.\d{3}M\)", run.Output);
        Assert.Contains("train.jsonl: 12 rows", run.Output);
        Assert.Contains("Starting training..., iters: 4", run.Output);
        Assert.Contains("Iter 4: Train loss ", run.Output);
        Assert.Contains("Test loss ", run.Output);
        JsonElement[] metrics = [.. File.ReadLines(Path.Combine(adapters, "metrics.jsonl"))
            .Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal([0, 1, 2, 3, 4], metrics.Select(line => line.GetProperty("step").GetInt32()));
        double first = metrics[0].GetProperty("val_loss").GetDouble(),
            last = metrics[^1].GetProperty("val_loss").GetDouble();
        Assert.True(last < first, $"validation loss {first} before, {last} after");
        Assert.All(new[] { "adapters.safetensors", "adapter_config.json", "loss.svg", "loss.png" },
            file => Assert.True(File.Exists(Path.Combine(adapters, file)), file));
        CommandProcess.Result said = CommandProcess.Elm(
            "", "generate", "--model", demo.Model, "--adapter-path", adapters, "--prompt", "Once", "--max-tokens", "3",
            "--quiet");
        Assert.True(said.ExitCode == 0, said.ToString());
    }

    [Fact]
    public void Killed_and_resumed_run_ends_as_if_nothing_had_been()
    {
        string whole = demo.At("whole"), killed = demo.At("killed");
        string[] options = ["--iters", "8", "--save-every", "1", "--dropout", "0.1", "--grad-accumulation-steps", "3"];
        Assert.Equal(0, Lora(whole, options).ExitCode);
        for (int lines = 2; lines <= 5; lines += 3)     // in the middle of a window, and later
        {
            using Process process = CommandProcess.StartElm(Line(killed, [.. options, "--resume"]));
            string metrics = Path.Combine(killed, "metrics.jsonl");
            while (!process.HasExited && !(File.Exists(metrics) && Count(metrics) >= lines))
                Thread.Sleep(5);
            process.Kill();
            process.WaitForExit();
        }

        CommandProcess.Result resumed = Lora(killed, [.. options, "--resume"]);
        Assert.True(resumed.ExitCode == 0, resumed.ToString());
        Assert.Contains("Going on after iteration ", resumed.Output);
        if (TestProvider.IsCpu)         // on MLX to rounding
        {
            Assert.Equal(
                File.ReadAllBytes(Path.Combine(whole, "adapters.safetensors")),
                File.ReadAllBytes(Path.Combine(killed, "adapters.safetensors")));
            Assert.Equal(Losses(whole), Losses(killed));
        }
    }

    [Fact]
    public void Mistakes_end_in_one_sentence()
    {
        string adapters = demo.At("mistakes");
        Assert.Equal(0, Lora(adapters, "--iters", "1").ExitCode);
        Refused("has checkpoints of another run: go on with --resume", Lora(adapters, "--iters", "2"));
        Refused("learning_rate was 0.001 and is 0.002",
            Lora(adapters, "--iters", "2", "--resume", "--learning-rate", "2e-3"));
        Refused("num_layers is 40, and the model has 6 layers", Lora(demo.At("m1"), "--num-layers", "40"));
        Refused("no matrix of the model is called attn.none", Lora(demo.At("m2"), "--keys", "attn.none"));
        Refused("The rank is 5000", Lora(demo.At("m3"), "--rank", "5000"));
        Refused("There is no data folder", CommandProcess.Elm(
            "", "lora", "--model", demo.Model, "--data", demo.At("nothing"), "--train"));
        Refused("Give --train, --test or both.",
            CommandProcess.Elm("", "lora", "--model", demo.Model, "--data", demo.Model));
        string bad = Directory.CreateDirectory(demo.At("bad")).FullName;
        File.WriteAllText(
            Path.Combine(bad, "train.jsonl"), "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": 1}\n");
        Refused("train.jsonl, line 2: ",
            CommandProcess.Elm("", "lora", "--model", demo.Model, "--data", bad, "--train", "--num-layers", "0"));
    }

    [Fact]
    public void Recipe_of_corenet_is_followed()
    {
        string adapters = demo.At("corenet"), recipe = demo.At("lora.yaml");
        File.WriteAllText(recipe, CoreNetRecipe);
        CommandProcess.Result run = CommandProcess.Elm(
            "", "lora", "-c", recipe, "--model", demo.Model, "--data", Data(), "--train", "--adapter-path", adapters,
            "--dtype", "float32");
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Contains("lora.yaml is CoreNet's: took common.accum_freq, common.eval_every_k_iterations, " +
            "common.grad_clip", run.Output);
        Assert.Contains("lora.yaml: not used here: taskname, common.run_label", run.Output);
        JsonElement config =
            JsonDocument.Parse(File.ReadAllText(Path.Combine(adapters, "adapter_config.json"))).RootElement;
        JsonElement lora = config.GetProperty("lora_parameters");
        Assert.Equal(
            (4, 2.0, 0.1),
            (lora.GetProperty("rank").GetInt32(), lora.GetProperty("scale").GetDouble(),
                lora.GetProperty("dropout").GetDouble()));
        Assert.Equal(
            ["attn.out_proj", "attn.qkv_proj", "transformer.token_embeddings"],
            lora.GetProperty("keys").EnumerateArray().Select(key => key.GetString()).Order(StringComparer.Ordinal));
        Assert.Equal((6, 2, 2, 64), (
            config.GetProperty("iters").GetInt32(), config.GetProperty("grad_accumulation_steps").GetInt32(),
            config.GetProperty("batch_size").GetInt32(), config.GetProperty("max_seq_length").GetInt32()));
        // CoreNet's schedule by finished updates, each of two batches: two of warm-up from 1e-6, then the peak
        Assert.Equal([1e-6, 1e-6, 1.505e-4, 1.505e-4, 3e-4, 3e-4], Metrics(adapters, "learning_rate").Skip(1));
    }

    [Fact]
    public void Expression_and_alpha_choose_modules_and_scale()
    {
        string adapters = demo.At("alpha");
        CommandProcess.Result run = Lora(
            adapters, "--iters", "1", "--pattern", @"layers\.[45]\.attn\.qkv", "--rank", "4", "--lora-alpha", "6",
            "--use-rslora");
        Assert.True(run.ExitCode == 0, run.ToString());
        JsonElement lora =
            JsonDocument.Parse(File.ReadAllText(Path.Combine(adapters, "adapter_config.json"))).RootElement
            .GetProperty("lora_parameters");
        Assert.Equal(3, lora.GetProperty("scale").GetDouble());
        Assert.Equal("attn.qkv_proj", Assert.Single(lora.GetProperty("keys").EnumerateArray()).GetString());
        Refused("--scale, which multiplies directly, or --lora-alpha, not both",
            Lora(demo.At("a1"), "--scale", "2", "--lora-alpha", "2"));
        Refused("--use-rslora says how --lora-alpha is divided", Lora(demo.At("a2"), "--use-rslora"));
    }

    private static void Refused(string sentence, CommandProcess.Result result)
    {
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains(sentence, Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    private CommandProcess.Result Lora(string adapters, params string[] options) =>
        CommandProcess.Elm("", Line(adapters, options));

    // The options, and those of a short run that they do not say otherwise.
    private string[] Line(string adapters, params string[] options)
    {
        List<string> line =
            ["lora", "--model", demo.Model, "--data", Data(), "--train", "--mask-prompt", "--adapter-path", adapters];
        foreach ((string name, string value) in new[]
            { ("--dtype", "float32"), ("--batch-size", "2"), ("--num-layers", "2"), ("--steps-per-report", "2"),
                ("--learning-rate", "1e-3") })
        {
            if (!options.Contains(name))
                line.AddRange([name, value]);
        }

        return [.. line, .. options];
    }

    // Twelve, four and four rows of the demo's easy set.
    private string Data()
    {
        string folder = demo.At("data");
        if (Directory.Exists(folder))
            return folder;
        Directory.CreateDirectory(folder);
        foreach ((string name, int count) in new[] { ("train", 12), ("valid", 4), ("test", 4) })
            File.WriteAllLines(
                Path.Combine(folder, name + ".jsonl"),
                File.ReadLines(Fixtures.Demo($"about/{name}.jsonl")).Take(count));
        return folder;
    }

    private static List<double> Metrics(string adapters, string name) =>
        [.. File.ReadLines(Path.Combine(adapters, "metrics.jsonl"))
        .Select(line => JsonDocument.Parse(line).RootElement)
        .Where(line => line.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number)
        .Select(line => line.GetProperty(name).GetDouble())];

    private static string[] Losses(string adapters) => [.. File.ReadLines(Path.Combine(adapters, "metrics.jsonl"))
        .Select(line => JsonDocument.Parse(line).RootElement)
        .Select(line => $"{line.GetProperty("step")} {Text(line, "train_loss")} {Text(line, "val_loss")}")];

    private static string Text(JsonElement line, string name) =>
        line.TryGetProperty(name, out JsonElement value) ? value.GetRawText() : "";

    private static int Count(string file)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using StreamReader reader = new(stream);
        return reader.ReadToEnd().Count(character => character == '\n');
    }
}
