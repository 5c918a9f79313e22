using System.Text.Json;
using ElmMlx.Datasets;
using ElmMlx.Lora;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;
using ElmMlx.Training;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// Runs that were ended anywhere and went on: the same numbers, bit by bit, as a run that nothing disturbed; and what
/// is done with checkpoints that are torn, foreign, or could not be written.
/// </summary>
[Collection(GradientCollection.Name)]
public sealed class ResumeTests(
    ResumeTests.UndisturbedRun undisturbed) : IClassFixture<ResumeTests.UndisturbedRun>, IDisposable
{
    private const int Iterations = 11;
    private readonly string _root = Directory.CreateTempSubdirectory("elmmlx-resume-").FullName;

    // Accumulation that does not divide the saves, dropout, a schedule, evaluations and epochs of six batches.
    private static readonly TrainingOptions Options = new()
    {
        Iterations = Iterations,
        GradientAccumulationSteps = 2,
        ClipGradientNorm = 20,
        StepsPerEvaluation = 4,
        ValidationBatches = 2,
        SaveEvery = 3,
        KeepLast = 2,
        Settings = new Dictionary<string, string> { ["batch_size"] = "4", ["seed"] = "7" },
    };

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Run_interrupted_after_each_step_equals_an_undisturbed_one()
    {
        string interrupted = Folder("interrupted");
        for (int step = 1; step < Iterations; step++)
        {
            using CancellationTokenSource stop = new();
            TrainingResult result = Train(interrupted, resume: step > 1, stop: stop, then: report =>
            {
                if (report.Step > 0)
                    stop.Cancel();
            });
            Assert.Equal((TrainingEnd.Interrupted, step), (result.End, result.Step));
        }
        TrainingResult last = Train(interrupted, resume: true);
        Assert.Equal(TrainingEnd.Finished, last.End);
        AssertSame(interrupted);
    }

    // What SIGKILL leaves: no last word, only the checkpoints and lines of before.
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(10)]
    public void Run_killed_within_a_step_equals_an_undisturbed_one(int step)
    {
        string killed = Folder("killed");
        Assert.Throws<KilledException>(() => Train(
            killed, then: report => { if (report.Step == step) throw new KilledException(); }));
        File.AppendAllText(Path.Combine(killed, "metrics.jsonl"), "{\"step\":");
        Train(killed, resume: true);
        AssertSame(killed);
    }

    [Fact]
    public void Metrics_have_each_step_once_and_checkpoints_are_pruned()
    {
        string folder = CopyOfRun();
        JsonElement[] lines = Metrics(folder);
        Assert.Equal(Enumerable.Range(0, Iterations + 1), lines.Select(line => line.GetProperty("step").GetInt32()));
        Assert.Equal(
            [0, 4, 8, 11],
            lines.Where(line => line.GetProperty("val_loss").ValueKind == JsonValueKind.Number)
                .Select(line => line.GetProperty("step").GetInt32()));
        Assert.All(lines[1..], line =>
        {
            Assert.InRange(line.GetProperty("train_loss").GetDouble(), 1, 10);
            Assert.InRange(line.GetProperty("tokens_per_second").GetDouble(), 1, 1e9);
            Assert.InRange(line.GetProperty("memory_bytes").GetInt64(), 1, long.MaxValue);
        });
        Assert.Equal(["0000009", "0000011"], Checkpoints(folder));
        Assert.Equal(
            ["adapters.safetensors", "best", "checkpoints", "metrics.jsonl"],
            Directory.EnumerateFileSystemEntries(folder)
                .Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Weights_of_a_run_are_adapters()
    {
        string folder = CopyOfRun();
        using OpenElmModel model = TrainingTraces.Model(FineTuneType.Lora);
        foreach (string path in (string[])["adapters.safetensors", "best/adapters.safetensors",
            "checkpoints/0000011/adapters.safetensors"])
            LoraAdapters.LoadWeights(model, Path.Combine(folder, path));
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(folder, "adapters.safetensors")),
            File.ReadAllBytes(Path.Combine(folder, "checkpoints/0000011/adapters.safetensors")));
    }

    [Theory]
    [InlineData("state.safetensors", "cut")]
    [InlineData("adapters.safetensors", "changed")]
    [InlineData("adapters.safetensors", "gone")]
    [InlineData("training.json", "cut")]
    [InlineData("training.json", "gone")]
    [InlineData("training.json", "foreign")]
    public void Damaged_checkpoint_is_noticed_and_the_former_one_used(string file, string damage)
    {
        string folder = CopyOfRun();
        string path = Path.Combine(folder, "checkpoints", "0000011", file);
        byte[] bytes = File.ReadAllBytes(path);
        switch (damage)
        {
            case "cut": File.WriteAllBytes(path, bytes[..(bytes.Length / 2)]); break;
            case "gone": File.Delete(path); break;
            case "foreign": File.WriteAllText(path, "{\"format\": \"something else\"}"); break;
            default:
                bytes[^5] ^= 1;
                File.WriteAllBytes(path, bytes);
                break;
        }
        List<string> notes = [];
        Train(folder, resume: true, notes: notes);
        Assert.StartsWith($"{Path.Combine(folder, "checkpoints", "0000011")} is not used: ", Assert.Single(notes),
            StringComparison.Ordinal);
        Assert.Contains(file, notes[0], StringComparison.Ordinal);
        AssertSame(folder);
        Assert.Equal(["0000009", "0000011"], Checkpoints(folder));
    }

    [Fact]
    public void Folder_without_a_whole_checkpoint_is_refused()
    {
        string folder = CopyOfRun();
        foreach (string checkpoint in Directory.EnumerateDirectories(Path.Combine(folder, "checkpoints")))
            File.Delete(Path.Combine(checkpoint, "training.json"));
        Assert.Contains("No checkpoint of", Assert.Throws<InvalidDataException>(
            () => Train(folder, resume: true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resuming_before_the_first_checkpoint_begins_at_the_beginning()
    {
        string folder = Folder("run");
        Train(folder, resume: true);
        AssertSame(folder);
    }

    [Fact]
    public void Checkpoint_that_cannot_be_written_leaves_the_former_one()
    {
        string folder = Folder("run");
        int written = 0;
        IOException full = Assert.Throws<IOException>(() => Train(folder, options: Options with
        {
            Folder = folder,
            WriteBeside = path =>
            {
                if (path.Contains("0000006", StringComparison.Ordinal) && written++ == 0)
                    throw new IOException("No space left on device", 28);
            },
        }));
        Assert.Contains("The checkpoint of step 6 could not be written to", full.Message, StringComparison.Ordinal);
        Assert.Contains(
            "the disk is full); the checkpoint of step 3 still stands.", full.Message, StringComparison.Ordinal);
        Assert.Equal(["0000003"], Checkpoints(folder));
        Train(folder, resume: true);
        AssertSame(folder);
    }

    [Fact]
    public void What_an_interrupted_write_left_is_cleared_away()
    {
        string folder = CopyOfRun();
        string partial = Path.Combine(folder, "checkpoints", "0000012.partial-4711");
        Directory.CreateDirectory(partial);
        File.WriteAllText(Path.Combine(partial, "training.json"), "{");
        Train(folder, resume: true, options: Options with { Folder = folder, Iterations = 14 });
        Assert.Equal(["0000012", "0000014"], Checkpoints(folder));
    }

    [Fact]
    public void Other_settings_are_named_and_need_force()
    {
        string folder = Folder("run");
        using (CancellationTokenSource stop = new())
            Train(folder, stop: stop, then: report => { if (report.Step == 4) stop.Cancel(); });
        TrainingOptions changed = Options with
        {
            Folder = folder,
            Settings = new Dictionary<string, string>
            {
                ["batch_size"] = "8",
                ["seed"] = "7",
                ["clip_grad_norm"] = "1"
            },
        };
        ArgumentException refused =
            Assert.Throws<ArgumentException>(() => Train(folder, resume: true, options: changed));
        Assert.Equal(
            $"The run in {folder} was begun with other settings: batch_size was 4 and is 8; clip_grad_norm was not " +
            "set and is 1. Give the former ones, or --force to go on all the same.", refused.Message);
        Assert.Equal(Iterations, Train(folder, resume: true, options: changed, force: true).Step);
        // from here on these are the run's settings
        Train(folder, resume: true, options: changed);
    }

    [Fact]
    public void Checkpoint_of_other_parameters_is_refused()
    {
        string folder = CopyOfRun();
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        LoraAdapters.AddTo(model, new LoraOptions { Rank = 2, LayerCount = 2 });
        using Optimizer optimizer = OptimizerFactory.Create("adam", 1e-3);
        using Trainer trainer = new(
            model.TrainableParameters(), optimizer, LanguageModelLoss.Of(model, 7), Batches(), null,
            Options with { Folder = folder, TensorName = OpenElmModel.MlxLmName });
        ArgumentException refused = Assert.Throws<ArgumentException>(() => trainer.Resume(force: true));
        Assert.Contains(
            "transformer.layers.2.attn.qkv_proj.lora_a is [64, 4] float32, and this run trains [64, 2] float32 there.",
            refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Finished_run_has_nothing_left_and_goes_on_with_more_iterations()
    {
        string folder = Folder("run");
        Train(folder, options: Options with { Folder = folder, Iterations = 8 });
        Assert.Equal((TrainingEnd.Finished, 8L), End(Train(
            folder, resume: true, options: Options with { Folder = folder, Iterations = 8 })));
        Assert.Equal((TrainingEnd.Finished, 11L), End(Train(folder, resume: true)));
        AssertSame(folder);

        static (TrainingEnd, long) End(TrainingResult result) => (result.End, result.Step);
    }

    [Fact]
    public void New_run_in_the_same_folder_clears_the_former_one()
    {
        string folder = CopyOfRun();
        Train(folder, options: Options with { Folder = folder, Iterations = 3 });
        Assert.Equal(["0000003"], Checkpoints(folder));
        Assert.Equal(4, Metrics(folder).Length);
    }

    private string Folder(string name) => Path.Combine(_root, name);

    private string CopyOfRun()
    {
        string folder = Folder("run");
        foreach (string file in Directory.EnumerateFiles(undisturbed.Folder, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(folder, Path.GetRelativePath(undisturbed.Folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        return folder;
    }

    private static DatasetBatches Batches() =>
        new(TrainingTraces.Rows()[..24], new BatchOptions { Seed = 7 });

    private static TrainingResult Train(
        string folder, bool resume = false, bool force = false, TrainingOptions? options = null,
        List<string>? notes = null,
        CancellationTokenSource? stop = null, Action<TrainingReport>? then = null)
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        LoraAdapters.AddTo(model, new LoraOptions { Rank = 4, LayerCount = 2, Dropout = 0.1, Seed = 7 });
        using Optimizer optimizer = OptimizerFactory.Create(
            "adam", Schedule.FromJson("""{"name": "cosine_decay", "init": 1e-3, "decay_steps": 6}"""));
        using Trainer trainer = new(
            model.TrainableParameters(), optimizer, LanguageModelLoss.Of(model, 7), Batches(),
            TrainingTraces.Batches(TrainingTraces.Rows()[24..]),
            (options ?? Options) with { Folder = folder, TensorName = OpenElmModel.MlxLmName });
        if (resume)
        {
            (long? step, IReadOnlyList<string> damaged) = trainer.Resume(force);
            Assert.Equal(step ?? 0, trainer.Step);
            notes?.AddRange(damaged);
        }
        return trainer.Run(new CollectedReports { Then = report => then?.Invoke(report) }, stop?.Token ?? default);
    }

    // Files of weights byte by byte, lines without what a clock says.
    private void AssertSame(string actual)
    {
        string expected = undisturbed.Folder;
        foreach (string file in (string[])["adapters.safetensors", "best/adapters.safetensors",
            "checkpoints/0000011/state.safetensors"])
            Assert.True(
                File.ReadAllBytes(
                    Path.Combine(expected, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, file))),
                $"{file} differs");
        Assert.Equal(Metrics(expected).Select(Numbers), Metrics(actual).Select(Numbers));

        static string Numbers(JsonElement line) => string.Join(
            ' ', line.EnumerateObject().Where(field => field.Name is not ("tokens_per_second" or "memory_bytes"))
                .Select(field => $"{field.Name}={field.Value.GetRawText()}"));
    }

    private static JsonElement[] Metrics(string folder) => [.. File.ReadLines(Path.Combine(folder, "metrics.jsonl"))
        .Select(line => JsonDocument.Parse(line).RootElement)];

    private static string[] Checkpoints(string folder) =>
        [.. Directory.EnumerateDirectories(Path.Combine(folder, "checkpoints"))
        .Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private sealed class KilledException : Exception;

    /// <summary>The folder of a whole run.</summary>
    public sealed class UndisturbedRun : IDisposable
    {
        public UndisturbedRun() => Train(Folder);

        public string Folder { get; } = Directory.CreateTempSubdirectory("elmmlx-undisturbed-").FullName;

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }
}
