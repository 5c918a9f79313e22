using System.CommandLine;
using ElmMlx.Lora;
using ElmMlx.OpenElm;
using ElmMlx.Preference;
using ElmMlx.Text;
using ElmMlx.Training;

namespace ElmMlx.Tools.Elm;

/// <summary><c>elm dpo</c>: model + pairs of answers → adapters that prefer the chosen ones.</summary>
internal sealed class DpoCommand
{
    private readonly TrainingFlags _flags;
    private readonly AdapterFlags _adapters;
    private readonly Option<string?> _loss = SettingOption.OneOf(
        "--loss", "The loss of a pair (default sigmoid; OpenELM-Instruct: hinge).", "sigmoid", "hinge");
    private readonly Option<double?> _beta = SettingOption.Number(
        "--beta", "How near to the reference the model stays (default 0.1).");
    private readonly Option<double?> _smoothing = SettingOption.Number(
        "--label-smoothing", "Share of pairs taken to be the wrong way round; sigmoid only (default 0).");
    private readonly Option<int?> _maxPrompt = SettingOption.Whole(
        "--max-prompt-length", "What is left of a prompt where a row is too long (default half of --max-seq-length).",
        1);
    private readonly ExampleCommand _command = new(
        "dpo",
        "Tunes a model on JSON lines of a prompt, a chosen and a rejected answer (DPO); the reference is the model " +
            "without "
            + "adapters.",
        "elm dpo --model openelm-270m --data pairs --train --loss hinge --beta 0.01",
        "elm dpo --model openelm-270m --data pairs --train --test --iters 600 --learning-rate 2e-5 --resume",
        "elm dpo -c dpo.yaml");

    private DpoCommand()
    {
        _flags = new TrainingFlags(_command, ("Pairs", "pair"), defaultLength: 1024);
        _adapters = new AdapterFlags(_command);
        foreach (Option option in (Option[])[_loss, _beta, _smoothing, _maxPrompt])
            _command.Add(option);
        _command.SetAction(Run);
    }

    public static Command Create() => new DpoCommand()._command;

    private int Run(ParseResult arguments)
    {
        TrainingPlan plan = _flags.Read(arguments);
        int maxLength = plan.Batching.MaxSequenceLength;
        PreferenceLossOptions loss = new()
        {
            Kind = Enum.Parse<PreferenceLossKind>(plan.Settings.Get(_loss, "sigmoid")!, ignoreCase: true),
            Beta = plan.Settings.Get(_beta, 0.1),
            LabelSmoothing = plan.Settings.Get(_smoothing, 0),
        };
        PreferenceDataOptions reading = new()
        {
            MaxSequenceLength = maxLength,
            MaxPromptLength = plan.Settings.Get(_maxPrompt, maxLength / 2),
            SkipBadLines = plan.SkipsBadLines,
            PromptKey = plan.Feature("prompt_feature", "prompt"),
            ChosenKey = plan.Feature("chosen_feature", "chosen"),
            RejectedKey = plan.Feature("rejected_feature", "rejected"),
        };
        loss.Check();
        reading.Check();
        if (plan.Trains)
            TrainingRun.CheckOutput(plan);
        using OpenElmModel model = plan.LoadModel();
        Console.WriteLine("Loading datasets");
        var data = PreferenceData.Open(
            plan.DataFolder, Tokenizer.Load(plan.ModelFolder), ChatTemplate.Load(plan.ModelFolder),
            reading with { VocabularySize = model.Config.VocabularySize });

        AdapterConfig? config = plan.Trains ? _adapters.AddTo(model, plan.Settings, plan.Seed) : null;
        // before anything changes the model: with --fine-tune-type full there is no adapter that could be turned off
        Measured? test = plan.Tests ? Prepare(plan, model, loss, data.Test, plan.TestBatches) : null;
        int status = config is null ? 0 : Train(plan, model, loss, data, config, reading.MaxPromptLength);
        if (status == 0 && test is not null)
        {
            if (!plan.Trains)
                LoraAdapters.ApplyTo(model, plan.Output);
            Test(plan, test);
        }

        return status;
    }

    private int Train(
        TrainingPlan plan, OpenElmModel model, PreferenceLossOptions loss, PreferenceData data, AdapterConfig config,
        int maxPromptLength)
    {
        Console.WriteLine(AdapterFlags.Share(model));
        Measured train = Prepare(plan, model, loss, data.Train, -1);
        Measured? validation = null;
        if (data.Validation is { } held)
            validation = Prepare(plan, model, loss, held, plan.Options.ValidationBatches);
        else
            Console.WriteLine($"{data.Folder} has no valid.jsonl: training goes without evaluations.");
        _adapters.LoadInitial(model, plan.Settings);
        return TrainingRun.Run(
            plan,
            plan.Describe(config, model)
                .With("beta", loss.Beta)
                .With("label_smoothing", loss.LabelSmoothing)
                .With("loss", loss.Kind.ToString().ToLowerInvariant())
                .With("max_prompt_length", maxPromptLength),
            (optimizer, options) => new Trainer(
                model.TrainableParameters(), optimizer, train.Loss, train.Batches, validation?.Batches, options,
                validation?.Loss));
    }

    private static void Test(TrainingPlan plan, Measured test)
    {
        HeldOutMean mean = HeldOutLoss.Measure(test.Batches, test.Loss, plan.TestBatches);
        Console.WriteLine(FormattableString.Invariant(
            $"Test loss {mean.Loss:F3}{TrainingLines.Figures(mean.Figures)}."));
    }

    // Says what was read, and computes what the reference thinks of it.
    private static Measured Prepare(
        TrainingPlan plan, OpenElmModel model, PreferenceLossOptions loss, PreferenceDataset dataset, int limit)
    {
        Report(dataset);
        PreferenceBatches batches = new(dataset, plan.Batching);
        ReferenceLogProbs reference = ReferenceDisplay.Run(
            dataset.Path, progress => ReferenceLogProbs.Compute(model, batches, limit, progress));
        return new Measured(batches, PreferenceLoss.Of(model, reference, loss, plan.Seed));
    }

    // Nothing that was left out or cut goes unsaid.
    private static void Report(PreferenceDataset dataset)
    {
        PreferenceReport report = dataset.Report;
        List<string> notes = [];
        if (report.CutPrompts + report.CutAnswers > 0)
            notes.Add($"{report.CutPrompts} prompts and {report.CutAnswers} answers cut off ({report.CutTokens} " +
                "tokens)");
        if (report.AlikeAfterCut > 0)
            notes.Add($"{report.AlikeAfterCut} alike after that left out");
        if (report.Skipped > 0)
            notes.Add($"{report.Skipped} bad lines skipped");
        Console.WriteLine(
            $"{dataset.Path}: {report.Pairs} pairs, {report.Tokens} tokens, {report.AnswerTokens} of answers" +
            (notes.Count > 0 ? $"; {string.Join(", ", notes)}" : ""));
        foreach (string reason in report.SkippedReasons)
            Console.Error.WriteLine($"elm dpo: {reason}");
    }

    /// <summary>A file's batches, and the loss that knows what the reference thinks of them.</summary>
    private sealed record Measured(PreferenceBatches Batches, BatchLoss Loss);
}
