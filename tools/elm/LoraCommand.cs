using System.CommandLine;
using ElmMlx.Datasets;
using ElmMlx.Lora;
using ElmMlx.OpenElm;
using ElmMlx.Text;
using ElmMlx.Training;

namespace ElmMlx.Tools.Elm;

/// <summary><c>elm lora</c>: model + JSON lines → adapters.</summary>
internal sealed class LoraCommand
{
    private readonly TrainingFlags _flags;
    private readonly AdapterFlags _adapters;
    private readonly Option<bool> _maskPrompt = SettingOption.Flag(
        "--mask-prompt", "Learns completions, and every answer of a conversation, not what is asked.");
    private readonly Option<bool> _pack =
        SettingOption.Flag("--pack", "Puts several rows into one sequence; none sees another.");
    private readonly Option<string?> _longRows = SettingOption.OneOf(
        "--long-rows", "What becomes of rows over --max-seq-length (default truncate).", "truncate", "split");
    private readonly ExampleCommand _command = new(
        "lora",
        "Fine-tunes a model on JSON lines of texts, completions or conversations; writes adapters that mlx-lm reads.",
        "elm lora --model openelm-270m --data data --train --iters 600 --mask-prompt",
        "elm lora --model openelm-270m --data data --train --iters 600 --mask-prompt --resume",
        "elm lora --model openelm-270m-4bit --data data --train --test --rank 16 --learning-rate 1e-4",
        "elm lora -c lora.yaml");

    private LoraCommand()
    {
        _flags = new TrainingFlags(_command, ("Rows", "token"), defaultLength: 2048);
        _adapters = new AdapterFlags(_command);
        _command.Add(_maskPrompt);
        _command.Add(_pack);
        _command.Add(_longRows);
        _command.SetAction(Run);
    }

    public static Command Create() => new LoraCommand()._command;

    private int Run(ParseResult arguments)
    {
        TrainingPlan plan = _flags.Read(arguments);
        bool masksPrompt = plan.Settings.Get(_maskPrompt);
        plan = plan with { Batching = plan.Batching with { Pack = plan.Settings.Get(_pack) } };
        if (plan.Trains)
            TrainingRun.CheckOutput(plan);
        using OpenElmModel model = plan.LoadModel();
        Console.WriteLine("Loading datasets");
        var data = TrainingData.Open(
            plan.DataFolder, Tokenizer.Load(plan.ModelFolder), ChatTemplate.Load(plan.ModelFolder), new DatasetOptions
            {
                MaskPrompt = masksPrompt,
                MaxSequenceLength = plan.Batching.MaxSequenceLength,
                LongRows = plan.Settings.Get(_longRows, "truncate") == "split" ? LongRows.Split : LongRows.Truncate,
                SkipBadLines = plan.SkipsBadLines,
                VocabularySize = model.Config.VocabularySize,
                PromptKey = plan.Feature("prompt_feature", "prompt"),
                CompletionKey = plan.Feature("completion_feature", "completion"),
                TextKey = plan.Feature("text_feature", "text"),
                ChatKey = plan.Feature("chat_feature", "messages"),
            });
        int status = plan.Trains ? Train(plan, model, data, masksPrompt) : 0;
        if (status == 0 && plan.Tests)
        {
            if (!plan.Trains)
                LoraAdapters.ApplyTo(model, plan.Output);
            Test(plan, model, data);
        }

        return status;
    }

    private int Train(TrainingPlan plan, OpenElmModel model, TrainingData data, bool masksPrompt)
    {
        AdapterConfig config = _adapters.AddTo(model, plan.Settings, plan.Seed);
        _adapters.LoadInitial(model, plan.Settings);
        Console.WriteLine(AdapterFlags.Share(model));
        DatasetNotes.Print("lora", data.Train, Console.Out);
        if (data.Validation is { } validation)
            DatasetNotes.Print("lora", validation, Console.Out);
        else
            Console.WriteLine($"{data.Folder} has no valid.jsonl: training goes without evaluations.");
        return TrainingRun.Run(
            plan,
            plan.Describe(config, model).With("mask_prompt", masksPrompt),
            (optimizer, options) => new Trainer(
                model.TrainableParameters(), optimizer, LanguageModelLoss.Of(model, plan.Seed),
                Batches(data.Train, plan.Batching), data.Validation is { } held ? Batches(held, plan.Batching) : null,
                options));
    }

    private static void Test(TrainingPlan plan, OpenElmModel model, TrainingData data)
    {
        DatasetNotes.Print("lora", data.Test, Console.Out);
        (double loss, _) = HeldOutLoss.Measure(
            Batches(data.Test, plan.Batching), LanguageModelLoss.Of(model, 0), plan.TestBatches);
        Console.WriteLine(FormattableString.Invariant($"Test loss {loss:F3}, Test ppl {Math.Exp(loss):F3}."));
    }

    private static DatasetBatches Batches(TokenDataset dataset, BatchOptions options) =>
        new(dataset.Rows, options, dataset.Place);
}
