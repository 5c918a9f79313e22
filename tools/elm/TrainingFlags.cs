using System.CommandLine;
using ElmMlx.Datasets;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;
using ElmMlx.Training;
using YamlDotNet.RepresentationModel;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// The options that every command that trains has: mlx-lm's names and defaults, and ours for what it lacks.
/// </summary>
internal sealed class TrainingFlags
{
    private readonly int _defaultLength;
    private readonly Option<string?> _model = SettingOption.Text("--model", "DIR", "Folder of the model.");
    private readonly Option<string?> _data = SettingOption.Text(
        "--data", "DIR", "Folder with train.jsonl, valid.jsonl, test.jsonl.");
    private readonly Option<bool> _train = SettingOption.Flag("--train", "Trains.");
    private readonly Option<bool> _test = SettingOption.Flag(
        "--test", "Measures the loss on test.jsonl, after training if there is some.");
    private readonly Option<string?> _adapterPath = SettingOption.Text(
        "--adapter-path", "DIR", "Folder to write (default adapters).");
    private readonly Option<bool> _resume = SettingOption.Flag(
        "--resume", "Goes on exactly where the run in --adapter-path stands; begins where there is none.");
    private readonly Option<bool> _force =
        SettingOption.Flag("--force", "With --resume: goes on although settings differ.");
    private readonly Option<string?> _config = new("--config", "-c")
    {
        Description = "mlx-lm's YAML, or CoreNet's of a LoRA run; the command line wins.",
        HelpName = "FILE",
    };
    private readonly Option<int?> _iterations =
        SettingOption.Whole("--iters", "Batches to train on (default 1000).", 1);
    private readonly Option<int?> _batchSize;
    private readonly Option<int?> _accumulation;
    private readonly Option<int?> _maxLength;
    private readonly Option<string?> _optimizer = SettingOption.OneOf(
        "--optimizer", "What moves the weights (default adam).", [.. OptimizerFactory.Names]);
    private readonly Option<double?> _rate =
        SettingOption.Number("--learning-rate", "The learning rate (default 1e-5).");
    private readonly Option<double?> _clip =
        SettingOption.Number("--clip-grad-norm", "Largest norm of an update's gradient.");
    private readonly Option<int?> _seed =
        SettingOption.Whole("--seed", "Seeds adapters, order and dropout (default 0).", 0);
    private readonly Option<int?> _perReport = SettingOption.Whole(
        "--steps-per-report", "Batches that a line sums up (default 10).", 1);
    private readonly Option<int?> _perEvaluation = SettingOption.Whole(
        "--steps-per-eval", "Batches between evaluations (default 200).", 1);
    private readonly Option<int?> _valBatches = SettingOption.Whole(
        "--val-batches", "Batches of an evaluation, -1: all (default 25).", -1);
    private readonly Option<int?> _testBatches = SettingOption.Whole(
        "--test-batches", "Batches of --test, -1: all (default 500).", -1);
    private readonly Option<int?> _patience = SettingOption.Whole(
        "--patience", "Evaluations without a better one before it stops.", 1);
    private readonly Option<int?> _saveEvery = SettingOption.Whole(
        "--save-every", "Batches between checkpoints (default 100).", 1);
    private readonly Option<int?> _keepLast = SettingOption.Whole("--keep-last", "Checkpoints to keep (default 3).", 1);
    private readonly Option<bool> _skipBadLines = SettingOption.Flag(
        "--skip-bad-lines", "Leaves out lines that cannot be read, and counts them.");
    private readonly Option<string> _dtype = Choice.DType("Converts the model's floating-point weights after loading.");

    /// <param name="command">Gets the options.</param>
    /// <param name="unit">What a batch is made of and an update weighs: rows and tokens, or pairs.</param>
    /// <param name="defaultLength">The longest row where nothing is said.</param>
    public TrainingFlags(Command command, (string Row, string Weighed) unit, int defaultLength)
    {
        _defaultLength = defaultLength;
        _batchSize = SettingOption.Whole("--batch-size", $"{unit.Row} of a batch (default 4).", 1);
        _accumulation = SettingOption.Whole(
            "--grad-accumulation-steps", $"Batches of one update, every {unit.Weighed} weighing the same (default 1).",
            1);
        _maxLength = SettingOption.Whole("--max-seq-length", $"Longest row in tokens (default {defaultLength}).", 2);
        foreach (Option option in (Option[])[
            _model, _data, _train, _test, _adapterPath, _resume, _force, _config, _iterations, _batchSize,
            _accumulation,
            _maxLength, _optimizer, _rate, _clip, _seed, _perReport, _perEvaluation, _valBatches, _testBatches,
            _patience,
            _saveEvery, _keepLast, _skipBadLines, _dtype])
            command.Add(option);
    }

    /// <summary>The run that the options and their YAML file describe.</summary>
    public TrainingPlan Read(ParseResult arguments)
    {
        string? file = arguments.GetValue(_config);
        RunSettings settings = new(arguments, file);
        bool trains = settings.Get(_train, decides: false), tests = settings.Get(_test, decides: false);
        if (!trains && !tests)
            throw new ArgumentException("Give --train, --test or both.");
        ulong seed = (ulong)settings.Get(_seed, 0);
        double rate = settings.Get(_rate, 1e-5);
        string optimizer = settings.Get(_optimizer, "adam")!;
        return new TrainingPlan
        {
            Settings = settings,
            ConfigFile = file,
            Trains = trains,
            Tests = tests,
            ModelFolder = settings.Get(_model, null) ?? throw new ArgumentException("--model names no folder."),
            DataFolder = settings.Get(_data, null) ?? throw new ArgumentException("--data names no folder."),
            DType = Choice.DTypeOf(arguments.GetValue(_dtype)),
            Resumes = arguments.GetValue(_resume),
            GoOnCommand = GoOn.Command(arguments, _resume),
            Forces = arguments.GetValue(_force),
            Seed = seed,
            SkipsBadLines = settings.Get(_skipBadLines),
            Batching = new BatchOptions
            {
                BatchSize = settings.Get(_batchSize, 4),
                Seed = seed,
                MaxSequenceLength = settings.Get(_maxLength, _defaultLength),
            },
            OptimizerName = optimizer,
            OptimizerOptions = OptionsOf(settings, optimizer),
            LearningRate = rate,
            Schedule = settings.Mapping("lr_schedule") is { } described ? Schedule.FromDescription(described) : rate,
            StepsPerReport = settings.Get(_perReport, 10, decides: false),
            TestBatches = settings.Get(_testBatches, 500, decides: false),
            Options = new TrainingOptions
            {
                Iterations = settings.Get(_iterations, 1000, decides: false),
                GradientAccumulationSteps = settings.Get(_accumulation, 1),
                ClipGradientNorm = settings.GetOptional(_clip),
                StepsPerEvaluation = settings.Get(_perEvaluation, 200),
                ValidationBatches = settings.Get(_valBatches, 25),
                Patience = settings.GetOptional(_patience),
                SaveEvery = settings.Get(_saveEvery, 100, decides: false),
                KeepLast = settings.Get(_keepLast, 3, decides: false),
                Folder = settings.Get(_adapterPath, "adapters", decides: false)!,
                TensorName = OpenElmModel.MlxLmName,
                Settings = settings.Taken,
            },
        };
    }

    private static Dictionary<string, object?>? OptionsOf(RunSettings settings, string name) =>
        settings.Mapping("optimizer_config")?.Children.FirstOrDefault(entry => entry.Key.ToString() == name).Value
            is YamlMappingNode own
                ? own.Children.ToDictionary(entry => entry.Key.ToString(), entry => (object?)entry.Value)
                : null;
}
