using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using ElmMlx.Datasets;
using ElmMlx.Lora;
using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;
using ElmMlx.Text;
using ElmMlx.Training;
using YamlDotNet.RepresentationModel;

namespace ElmMlx.Tools.Elm;

/// <summary><c>elm lora</c>: model + JSON lines → adapters.</summary>
internal sealed class LoraCommand
{
    private const int Interrupted = 130;

    private readonly Option<string?> _model = Text("--model", "DIR", "Folder of the model.");
    private readonly Option<string?> _data = Text("--data", "DIR", "Folder with train.jsonl, valid.jsonl, test.jsonl.");
    private readonly Option<bool> _train = Flag("--train", "Trains.");
    private readonly Option<bool> _test = Flag("--test", "Measures the loss on test.jsonl, after training if there is some.");
    private readonly Option<string?> _type = OneOf(
        "--fine-tune-type", "Adapters, or the weights of the last layers (default lora).", "lora", "dora", "full");
    private readonly Option<string?> _optimizer = OneOf(
        "--optimizer", "What moves the weights (default adam).", [.. OptimizerFactory.Names]);
    private readonly Option<bool> _maskPrompt = Flag(
        "--mask-prompt", "Learns completions, and every answer of a conversation, not what is asked.");
    private readonly Option<int?> _layers = Whole("--num-layers", "The last so many layers; 0 or less: all (default 16).", int.MinValue);
    private readonly Option<int?> _batchSize = Whole("--batch-size", "Rows of a batch (default 4).", 1);
    private readonly Option<int?> _iterations = Whole("--iters", "Batches to train on (default 1000).", 1);
    private readonly Option<int?> _valBatches = Whole("--val-batches", "Batches of an evaluation, -1: all (default 25).", -1);
    private readonly Option<double?> _rate = Number("--learning-rate", "The learning rate (default 1e-5).");
    private readonly Option<int?> _perReport = Whole("--steps-per-report", "Batches that a line sums up (default 10).", 1);
    private readonly Option<int?> _perEvaluation = Whole("--steps-per-eval", "Batches between evaluations (default 200).", 1);
    private readonly Option<int?> _accumulation = Whole(
        "--grad-accumulation-steps", "Batches of one update, every token weighing the same (default 1).", 1);
    private readonly Option<string?> _resumeFile = Text(
        "--resume-adapter-file", "FILE", "Begins with these adapters, and nothing else of the run they came from.");
    private readonly Option<string?> _adapterPath = Text("--adapter-path", "DIR", "Folder to write (default adapters).");
    private readonly Option<int?> _saveEvery = Whole("--save-every", "Batches between checkpoints (default 100).", 1);
    private readonly Option<int?> _testBatches = Whole("--test-batches", "Batches of --test, -1: all (default 500).", -1);
    private readonly Option<int?> _maxLength = Whole("--max-seq-length", "Longest row in tokens (default 2048).", 2);
    private readonly Option<string?> _config = new("--config", "-c")
    {
        Description = "mlx-lm's YAML; the command line wins.",
        HelpName = "FILE",
    };
    private readonly Option<bool> _checkpointing = Flag("--grad-checkpoint", "Computes layers again to save memory.");
    private readonly Option<int?> _seed = Whole("--seed", "Seeds adapters, order and dropout (default 0).", 0);
    private readonly Option<bool> _resume = Flag(
        "--resume", "Goes on exactly where the run in --adapter-path stands; begins where there is none.");
    private readonly Option<bool> _force = Flag("--force", "With --resume: goes on although settings differ.");
    private readonly Option<bool> _pack = Flag("--pack", "Puts several rows into one sequence; none sees another.");
    private readonly Option<bool> _skipBadLines = Flag("--skip-bad-lines", "Leaves out lines that cannot be read, and counts them.");
    private readonly Option<string?> _longRows = OneOf(
        "--long-rows", "What becomes of rows over --max-seq-length (default truncate).", "truncate", "split");
    private readonly Option<double?> _clip = Number("--clip-grad-norm", "Largest norm of an update's gradient.");
    private readonly Option<int?> _patience = Whole("--patience", "Evaluations without a better one before it stops.", 1);
    private readonly Option<int?> _keepLast = Whole("--keep-last", "Checkpoints to keep (default 3).", 1);
    private readonly Option<int?> _rank = Whole("--rank", "Rank of the adapters (default 8).", 1);
    private readonly Option<double?> _scale = Number("--scale", "Factor of the adapters, multiplies directly (default 20).");
    private readonly Option<double?> _dropout = Number("--dropout", "Dropout before the adapters (default 0).");
    private readonly Option<string?> _keys = Text(
        "--keys", "NAMES", "Matrices with adapters, with commas between (default: all of the layers).");
    private readonly Option<string> _dtype = Choice.DType("Converts the model's floating-point weights after loading.");
    private readonly ExampleCommand _command = new(
        "lora",
        "Fine-tunes a model on JSON lines of texts, completions or conversations; writes adapters that mlx-lm reads.",
        "elm lora --model openelm-270m --data data --train --iters 600 --mask-prompt",
        "elm lora --model openelm-270m --data data --train --iters 600 --mask-prompt --resume",
        "elm lora --model openelm-270m-4bit --data data --train --test --rank 16 --learning-rate 1e-4",
        "elm lora -c lora.yaml");

    private LoraCommand()
    {
        foreach (Option option in (Option[])[
            _model, _data, _train, _test, _type, _optimizer, _maskPrompt, _layers, _batchSize, _iterations, _valBatches, _rate,
            _perReport, _perEvaluation, _accumulation, _resumeFile, _adapterPath, _saveEvery, _testBatches, _maxLength,
            _config, _checkpointing, _seed, _resume, _force, _pack, _skipBadLines, _longRows, _clip, _patience, _keepLast,
            _rank, _scale, _dropout, _keys, _dtype])
            _command.Add(option);
        _command.SetAction(Run);
    }

    public static Command Create() => new LoraCommand()._command;

    private int Run(ParseResult arguments)
    {
        LoraSettings settings = new(arguments, arguments.GetValue(_config));
        bool trains = settings.Get(_train, decides: false), tests = settings.Get(_test, decides: false);
        if (!trains && !tests)
            throw new ArgumentException("Give --train, --test or both.");
        string folder = settings.Get(_model, null) ?? throw new ArgumentException("--model names no folder.");
        string dataFolder = settings.Get(_data, null) ?? throw new ArgumentException("--data names no folder.");
        string output = settings.Get(_adapterPath, "adapters", decides: false)!;
        ulong seed = (ulong)settings.Get(_seed, 0);
        int maxLength = settings.Get(_maxLength, 2048);

        Console.WriteLine("Loading pretrained model");
        using OpenElmModel model = OpenElmModel.Load(folder, Choice.DTypeOf(arguments.GetValue(_dtype)));
        Console.WriteLine("Loading datasets");
        var data = TrainingData.Open(dataFolder, Tokenizer.Load(folder), ChatTemplate.Load(folder), new DatasetOptions
        {
            MaskPrompt = settings.Get(_maskPrompt),
            MaxSequenceLength = maxLength,
            LongRows = settings.Get(_longRows, "truncate") == "split" ? LongRows.Split : LongRows.Truncate,
            SkipBadLines = settings.Get(_skipBadLines),
            VocabularySize = model.Config.VocabularySize,
            PromptKey = Feature("prompt_feature", "prompt"),
            CompletionKey = Feature("completion_feature", "completion"),
            TextKey = Feature("text_feature", "text"),
            ChatKey = Feature("chat_feature", "messages"),
        });
        BatchOptions batching = new()
        {
            BatchSize = settings.Get(_batchSize, 4),
            Seed = seed,
            MaxSequenceLength = maxLength,
            Pack = settings.Get(_pack),
        };

        AdapterConfig? config = trains ? Prepare(model, settings, output, seed) : null;
        int status = config is null ? 0 : Train(arguments, settings, model, data, batching, config, output, seed);
        if (status == 0 && tests)
        {
            if (!trains)
                LoraAdapters.ApplyTo(model, output);
            Test(settings, model, data, batching);
        }

        return status;

        string Feature(string key, string value) => settings.Get(new Option<string?>("--" + key.Replace('_', '-')), value)!;
    }

    private AdapterConfig Prepare(OpenElmModel model, LoraSettings settings, string output, ulong seed)
    {
        YamlMappingNode? parameters = settings.Mapping("lora_parameters");
        string type = settings.Get(_type, "lora")!;
        AdapterConfig config = LoraAdapters.AddTo(model, new LoraOptions
        {
            Type = Enum.Parse<FineTuneType>(type, ignoreCase: true),
            Rank = settings.Get(_rank, (int)settings.Number(parameters, "rank", 8)),
            Scale = settings.Get(_scale, settings.Number(parameters, "scale", 20)),
            Dropout = settings.Get(_dropout, settings.Number(parameters, "dropout", 0)),
            Keys = KeysOf(settings.Get(_keys, null), parameters),
            LayerCount = settings.Get(_layers, 16),
            Seed = seed,
        });
        if (settings.Get(_resumeFile, null) is { } file)
            LoraAdapters.LoadWeights(model, file);
        model.CheckpointsLayers = settings.Get(_checkpointing, decides: false);
        return config;
    }

    private int Train(
        ParseResult arguments, LoraSettings settings, OpenElmModel model, TrainingData data, BatchOptions batching,
        AdapterConfig config, string output, ulong seed)
    {
        (string Path, Parameter Parameter)[] trained = [.. model.TrainableParameters()];
        PrintShare(model, trained);
        Report(data.Train);
        if (data.Validation is { } validation)
            Report(validation);
        else
            Console.WriteLine($"{data.Folder} has no valid.jsonl: training goes without evaluations.");

        double rate = settings.Get(_rate, 1e-5);
        Schedule schedule = settings.Mapping("lr_schedule") is { } described ? Schedule.FromDescription(described) : rate;
        string name = settings.Get(_optimizer, "adam")!;
        using Optimizer optimizer = OptimizerFactory.Create(name, schedule, OptionsOf(settings, name));
        int perReport = settings.Get(_perReport, 10, decides: false);
        TrainingOptions options = new()
        {
            Iterations = settings.Get(_iterations, 1000, decides: false),
            GradientAccumulationSteps = settings.Get(_accumulation, 1),
            ClipGradientNorm = settings.GetOptional(_clip),
            StepsPerEvaluation = settings.Get(_perEvaluation, 200),
            ValidationBatches = settings.Get(_valBatches, 25),
            Patience = settings.GetOptional(_patience),
            SaveEvery = settings.Get(_saveEvery, 100, decides: false),
            KeepLast = settings.Get(_keepLast, 3, decides: false),
            Folder = output,
            TensorName = OpenElmModel.MlxLmName,
            Settings = settings.Taken,
        };
        config = Described(config, settings, options, batching, data)
            .With("config", arguments.GetValue(_config))
            .With("grad_checkpoint", model.CheckpointsLayers)
            .With("learning_rate", rate)
            .With("optimizer", name)
            .With("seed", (long)seed)
            .With("steps_per_report", perReport);
        options = options with { WriteBeside = config.Write };
        foreach (string ignored in settings.Ignored)
            Console.WriteLine($"{arguments.GetValue(_config)}: {ignored} is not used here.");
        using Trainer trainer = new(
            trained, optimizer, LanguageModelLoss.Of(model, seed), Batches(data.Train, batching),
            data.Validation is { } held ? Batches(held, batching) : null, options);
        Begin(arguments, trainer, output);
        config.Write(output);

        using CancellationTokenSource stop = new();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
        {
            signal.Cancel = !stop.IsCancellationRequested;      // a second Ctrl-C ends the process at once
            stop.Cancel();
        });
        TrainingResult result = TrainingDisplay.Run(perReport, progress => trainer.Run(progress, stop.Token));
        Console.WriteLine(LossCurve.Draw(Path.Combine(output, "metrics.jsonl")));
        if (result.End == TrainingEnd.Interrupted)
        {
            Console.WriteLine(
                $"Stopped after {result.Step} of {options.Iterations} iterations; the same command with --resume goes on.");
            return Interrupted;
        }

        if (result.BestLoss is { } best)
            Console.WriteLine(FormattableString.Invariant(
                $"Best validation loss {best:F3} after iteration {result.BestStep}: {Path.Combine(output, "best")}."));
        Console.WriteLine($"Saved final weights to {Path.Combine(output, "adapters.safetensors")}.");
        return 0;
    }

    private void Begin(ParseResult arguments, Trainer trainer, string output)
    {
        if (!arguments.GetValue(_resume))
        {
            if (Directory.Exists(Path.Combine(output, "checkpoints")))
                throw new ArgumentException(
                    $"{output} has checkpoints of another run: go on with --resume, or give another --adapter-path.");
            return;
        }

        (long? step, IReadOnlyList<string> notes) = trainer.Resume(arguments.GetValue(_force));
        foreach (string note in notes)
            Console.WriteLine(note);
        Console.WriteLine(step is null
            ? $"{output} has no checkpoint: the run begins."
            : $"Going on after iteration {step}.");
    }

    private void Test(LoraSettings settings, OpenElmModel model, TrainingData data, BatchOptions batching)
    {
        Report(data.Test);
        (double loss, _) = HeldOutLoss.Measure(
            Batches(data.Test, batching), LanguageModelLoss.Of(model, 0), TestBatches(settings));
        Console.WriteLine(FormattableString.Invariant($"Test loss {loss:F3}, Test ppl {Math.Exp(loss):F3}."));
    }

    // With the caller's, all the fields that mlx-lm writes, so that its tools find what they look for.
    private AdapterConfig Described(
        AdapterConfig config, LoraSettings settings, TrainingOptions options, BatchOptions batching, TrainingData data) => config
        .With("adapter_path", options.Folder)
        .With("batch_size", batching.BatchSize)
        .With("data", data.Folder)
        .With("grad_accumulation_steps", options.GradientAccumulationSteps)
        .With("iters", options.Iterations)
        .With("mask_prompt", settings.Get(_maskPrompt))
        .With("max_seq_length", batching.MaxSequenceLength)
        .With("model", settings.Get(_model, null))
        .With("save_every", options.SaveEvery)
        .With("steps_per_eval", options.StepsPerEvaluation)
        .With("test", settings.Get(_test, decides: false))
        .With("test_batches", TestBatches(settings))
        .With("train", settings.Get(_train, decides: false))
        .With("val_batches", options.ValidationBatches);

    private int TestBatches(LoraSettings settings) => settings.Get(_testBatches, 500, decides: false);

    private static DatasetBatches Batches(TokenDataset dataset, BatchOptions options) =>
        new(dataset.Rows, options, dataset.Place);

    private static Dictionary<string, object?>? OptionsOf(LoraSettings settings, string name) =>
        settings.Mapping("optimizer_config")?.Children.FirstOrDefault(entry => entry.Key.ToString() == name).Value
            is YamlMappingNode own
                ? own.Children.ToDictionary(entry => entry.Key.ToString(), entry => (object?)entry.Value)
                : null;

    private static string[]? KeysOf(string? names, YamlMappingNode? parameters)
    {
        if (names is not null)
            return names.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return parameters is not null && parameters.Children.TryGetValue(new YamlScalarNode("keys"), out YamlNode? node)
            && node is YamlSequenceNode list ? [.. list.Children.Select(key => key.ToString())] : null;
    }

    private static void PrintShare(OpenElmModel model, (string Path, Parameter Parameter)[] trained)
    {
        double part = trained.Sum(entry => entry.Parameter.Value.Size);
        double whole = model.Config.ParameterCount + model.NamedParameters()
            .Where(entry => entry.Path.EndsWith(".lora_a", StringComparison.Ordinal)
                || entry.Path.EndsWith(".lora_b", StringComparison.Ordinal) || entry.Path.EndsWith(".m", StringComparison.Ordinal))
            .Sum(entry => entry.Parameter.Value.Size);
        Console.WriteLine(FormattableString.Invariant(
            $"Trainable parameters: {100 * part / whole:F3}% ({part / 1e6:F3}M/{whole / 1e6:F3}M)"));
    }

    // Nothing that was left out or cut goes unsaid.
    private static void Report(TokenDataset dataset)
    {
        DatasetReport report = dataset.Report;
        List<string> notes = [];
        if (report.Truncated > 0)
            notes.Add($"{report.Truncated} cut off ({report.TruncatedTokens} tokens)");
        if (report.Split > 0)
            notes.Add($"{report.Split} split");
        if (report.NothingToLearn > 0)
            notes.Add($"{report.NothingToLearn} with nothing to learn left out");
        if (report.Skipped > 0)
            notes.Add($"{report.Skipped} bad lines skipped");
        Console.WriteLine(
            $"{dataset.Path}: {report.Rows} rows, {report.Tokens} tokens, {report.LearnedTokens} to be learnt" +
            (notes.Count > 0 ? $"; {string.Join(", ", notes)}" : ""));
        foreach (string reason in report.SkippedReasons)
            Console.Error.WriteLine($"elm lora: {reason}");
    }

    private static Option<string?> Text(string name, string value, string description) =>
        new(name) { Description = description, HelpName = value };

    private static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    private static Option<string?> OneOf(string name, string description, params string[] words)
    {
        Option<string?> option = new(name) { Description = description, HelpName = string.Join('|', words) };
        option.AcceptOnlyFromAmong(words);
        return option;
    }

    private static Option<int?> Whole(string name, string description, int least) => NumberOption.Optional<int>(
        name, description, least == int.MinValue ? "a whole number" : string.Create(CultureInfo.InvariantCulture, $"{least} or more"),
        number => number >= least);

    private static Option<double?> Number(string name, string description) => NumberOption.Optional<double>(
        name, description, "0 or more", number => number >= 0 && double.IsFinite(number));
}
