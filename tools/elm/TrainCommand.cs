using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using ElmMlx.Datasets;
using ElmMlx.Pretraining;
using ElmMlx.Training;

namespace ElmMlx.Tools.Elm;

/// <summary><c>elm train</c>: CoreNet's configuration + files of texts → a pretrained model.</summary>
internal sealed class TrainCommand
{
    private const int Interrupted = 130;

    private readonly Option<string?> _config = new("--config", "-c")
    {
        Description = "CoreNet's YAML; the command line wins.",
        HelpName = "FILE",
    };
    private readonly Option<string?> _output = Text(
        "--output", "DIR", "Folder to write (default: results_loc/run_label of the YAML's common, or results/run_1).");
    private readonly Option<bool> _resume = Flag(
        "--resume",
        "Goes on exactly where the run in --output stands; begins where there is none. common.auto_resume does " +
            "so too.");
    private readonly Option<bool> _force = Flag("--force", "Goes on although settings differ.");
    private readonly Option<string?> _from = Text(
        "--from", "PATH",
        "Begins with the weights of a checkpoint (.pt) or a model folder (default: common.finetune, or new ones).");
    private readonly Option<string?> _tokenizer = Text(
        "--tokenizer-path", "PATH", "The tokenizer (default: text_tokenizer.sentence_piece.model_path).");
    private readonly Option<string?> _architecture = Text(
        "--architecture", "FILE",
        "Describes a model that CoreNet does not know (default: architecture.json beside the YAML).");
    private readonly Option<int?> _iterations = Whole(
        "--max-iterations", "scheduler.max_iterations; as in CoreNet, one update more is made.", 1);
    private readonly Option<int?> _batchSize = Whole("--batch-size", "dataset.train_batch_size0: rows of a batch.", 1);
    private readonly Option<int?> _seed = Whole("--seed", "common.seed: seeds new weights.", 0);
    private readonly Option<string[]> _set = new("--set")
    {
        Description = "Any other setting by CoreNet's name; may be repeated.",
        HelpName = "KEY=VALUE",
    };
    private readonly Option<int?> _valBatches =
        Whole("--val-batches", "Batches of an evaluation, -1: all (default -1).", -1);
    private readonly Option<bool> _skipBadLines = Flag(
        "--skip-bad-lines", "Leaves out documents that cannot be read, and counts them.");
    private readonly Option<int?> _keepLast = Whole(
        "--keep-last", "Checkpoints to keep (default: all with common.save_all_checkpoints, else k_best_checkpoints).",
        1);
    private readonly Option<int?> _average = Whole(
        "--average", "Writes the mean of the last N checkpoints too. Without --config it trains nothing.", 1);
    private readonly Option<string> _saveAs = Choice.Create(
        "--save-as", "Form of the result: CoreNet's .pt, a model folder, or both (default both).", "corenet", "mlx",
        "both");
    private readonly ExampleCommand _command = new(
        "train",
        "Pretrains a model as CoreNet does, from scratch or from a checkpoint, on CoreNet's configuration.",
        "elm train -c samples/pretrain/stories.yaml --output stories",
        "elm train -c openelm_270M.yaml --tokenizer-path tokenizer.model --output 270M --average 5",
        "elm train -c openelm_270M.yaml --output 270M --resume",
        "elm train --output 270M --average 5 --save-as corenet");

    private TrainCommand()
    {
        foreach (Option option in (Option[])[
            _config, _output, _resume, _force, _from, _tokenizer, _architecture, _iterations, _batchSize, _seed, _set,
            _valBatches, _skipBadLines, _keepLast, _average, _saveAs])
            _command.Add(option);
        _command.SetAction(Run);
    }

    public static Command Create() => new TrainCommand()._command;

    private int Run(ParseResult arguments)
    {
        int average = arguments.GetValue(_average) ?? 0;
        string? output = arguments.GetValue(_output);
        if (arguments.GetValue(_config) is not { } file)
        {
            if (average == 0 || output is null)
                throw new ArgumentException("--config names no file.");
            return WriteResults(arguments, output);
        }

        var configuration = PretrainingConfiguration.Read(file, new PretrainingInputs
        {
            Overrides = Overrides(arguments),
            TokenizerPath = arguments.GetValue(_tokenizer),
            Architecture = arguments.GetValue(_architecture),
            From = arguments.GetValue(_from),
            SkipBadDocuments = arguments.GetValue(_skipBadLines),
        });
        output ??= configuration.ResultsFolder;
        Print(file, configuration);
        CheckAverage(average, configuration);
        int keepLast = arguments.GetValue(_keepLast) ?? configuration.Options.KeepLast;
        using Pretrainer trainer = new(configuration.Recipe, configuration.Options with
        {
            Folder = output,
            KeepLast = Math.Max(keepLast, average),
            ValidationBatches = arguments.GetValue(_valBatches) ?? -1,
        });
        Begin(arguments, trainer, output, configuration.ResumesByItself);

        using CancellationTokenSource stop = new();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
        {
            signal.Cancel = !stop.IsCancellationRequested;      // a second Ctrl-C ends the process at once
            stop.Cancel();
        });
        TrainingResult result = TrainingDisplay.Run(
            configuration.ReportEvery, progress => trainer.Run(progress, stop.Token));
        Report(trainer.Counts);
        string metrics = Path.Combine(output, "metrics.jsonl");
        Console.WriteLine(LossCurve.Summarize(metrics));
        Console.WriteLine(LossCurve.Draw(metrics));
        if (result.End == TrainingEnd.Interrupted)
        {
            Console.WriteLine(
                $"Stopped after {result.Step} of {configuration.Recipe.Updates} updates; this goes on: " +
                    $"{GoOn.Command(arguments, _resume)}");
            return Interrupted;
        }

        if (result.BestLoss is { } best)
            Console.WriteLine(FormattableString.Invariant(
                $"Best validation loss {best:F3} after update {result.BestStep}: {Path.Combine(output, "best")}."));
        if (arguments.GetValue(_saveAs) is not "mlx")
        {
            string training = Path.Combine(output, "training_checkpoint_last.pt");
            trainer.WriteTrainingCheckpoint(training);
            Console.WriteLine($"{training} is what CoreNet goes on from (common.resume).");
        }

        return WriteResults(arguments, output);
    }

    private int WriteResults(ParseResult arguments, string output)
    {
        PretrainingFormats formats = arguments.GetValue(_saveAs) switch
        {
            "corenet" => PretrainingFormats.CoreNet,
            "mlx" => PretrainingFormats.ModelFolder,
            _ => PretrainingFormats.CoreNet | PretrainingFormats.ModelFolder,
        };
        foreach (string sentence in PretrainingResults.Write(output, formats, arguments.GetValue(_average) ?? 0))
            Console.WriteLine(sentence);
        return 0;
    }

    private List<(string Key, string Value)> Overrides(ParseResult arguments)
    {
        List<(string, string)> overrides = [];
        foreach (string setting in arguments.GetValue(_set) ?? [])
        {
            int equals = setting.IndexOf('=');
            if (equals <= 0)
                throw new ArgumentException($"--set {setting} is no KEY=VALUE, such as common.grad_clip=0.5.");
            overrides.Add((setting[..equals], setting[(equals + 1)..]));
        }

        foreach ((Option<int?> option, string key) in new[]
            { (_iterations, "scheduler.max_iterations"), (_batchSize, "dataset.train_batch_size0"),
                (_seed, "common.seed") })
        {
            if (arguments.GetValue(option) is { } number)
                overrides.Add((key, number.ToString(CultureInfo.InvariantCulture)));
        }

        return overrides;
    }

    private void Begin(ParseResult arguments, Pretrainer trainer, string output, bool resumesByItself)
    {
        if (!arguments.GetValue(_resume) && !resumesByItself)
        {
            if (PretrainingResults.HasCheckpoints(output))
                throw new ArgumentException(
                    $"{output} has checkpoints of another run: go on with --resume, or give another --output.");
            return;
        }

        (long? step, IReadOnlyList<string> notes) = trainer.Resume(arguments.GetValue(_force));
        foreach (string note in notes)
            Console.WriteLine(note);
        Console.WriteLine(step is null
            ? $"{output} has no checkpoint: the run begins."
            : $"Going on after update {step}.");
    }

    // Before the run, not when it has ended.
    private static void CheckAverage(int average, PretrainingConfiguration configuration)
    {
        long updates = configuration.Recipe.Updates, every = configuration.Options.SaveEvery;
        long checkpoints = every > 0 ? (updates + every - 1) / every : 1;
        if (average > checkpoints)
            throw new ArgumentException(
                $"--average {average}: a run of {updates} updates that saves every " +
                    $"{(every > 0 ? every : updates)} makes " +
                $"{checkpoints} checkpoints; save more often (common.save_interval_freq).");
    }

    private static void Print(string file, PretrainingConfiguration configuration)
    {
        Console.WriteLine($"{file} says, or CoreNet where it says nothing:");
        foreach ((string key, string value) in configuration.Taken)
            Console.WriteLine($"  {key}: {value}");
        if (configuration.Ignored.Count > 0)
            Console.WriteLine($"Not used here: {string.Join(", ", configuration.Ignored)}.");
        foreach (string note in configuration.Notes)
            Console.WriteLine(note);
        PretrainingRecipe recipe = configuration.Recipe;
        Console.WriteLine(FormattableString.Invariant(
            $"{recipe.Model.ModelName}: {recipe.Model.ParameterCount / 1e6:F3}M parameters; ") +
            $"{recipe.Updates} updates of {recipe.AccumulationSteps} × {recipe.Data.BatchSize} rows of " +
            $"{recipe.Data.SequenceLength} tokens.");
    }

    // Nothing that was passed over or cut goes unsaid.
    private static void Report(DataCounts counts)
    {
        List<string> notes = [];
        if (counts.TooFewCharacters + counts.TooFewTokens > 0)
            notes.Add(
                $"{counts.TooFewCharacters} pieces with too few characters and {counts.TooFewTokens} with too few " +
                    "tokens passed over");
        if (counts.CutRows > 0)
            notes.Add($"{counts.CutRows} cut off ({counts.CutTokens} tokens)");
        if (counts.BadDocuments > 0)
            notes.Add($"{counts.BadDocuments} bad documents left out");
        Console.WriteLine(
            $"Data: {counts.Documents} documents, {counts.Rows} " +
                $"rows{(notes.Count > 0 ? "; " + string.Join(", ", notes) : "")}.");
    }

    private static Option<string?> Text(string name, string value, string description) =>
        new(name) { Description = description, HelpName = value };

    private static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    private static Option<int?> Whole(string name, string description, int least) => NumberOption.Optional<int>(
        name, description, string.Create(CultureInfo.InvariantCulture, $"{least} or more"), number => number >= least);
}
