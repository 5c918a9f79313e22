using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using ElmMlx.Datasets;
using ElmMlx.Evaluation;
using ElmMlx.OpenElm;
using ElmMlx.Text;

namespace ElmMlx.Tools.Elm;

/// <summary><c>elm evaluate</c>: loss, perplexity and right answers on data that was not trained on.</summary>
internal sealed class EvaluateCommand
{
    private readonly ModelOptions _models;
    private readonly Option<string?> _data = new("--data")
    {
        Description = "Folder with test.jsonl: measures loss and perplexity.",
        HelpName = "DIR",
    };
    private readonly Option<bool> _exactMatch = new("--exact-match")
    {
        Description = "With --data: also how many completions greedy decoding gives word for word.",
    };
    private readonly Option<string?> _task = new("--task")
    {
        Description = "Multiple choice: context, choices and answer a line; the likeliest choice counts.",
        HelpName = "FILE.jsonl",
    };
    private readonly Option<bool> _byLength = new("--length-normalized")
    {
        Description =
            "With --task: \"accuracy\" compares log-likelihoods divided by the choices' lengths in characters.",
    };
    private readonly Option<bool> _maskPrompt = new("--mask-prompt")
    {
        Description = "With --data: measures completions and answers, not what is asked.",
    };
    private readonly Option<int?> _limit = NumberOption.Optional<int>(
        "--limit", "Measures the first so many items only.", "1 or more", count => count >= 1);
    private readonly Option<int> _batchSize = NumberOption.Create(
        "--batch-size", 8, "Rows that go through the model together.", "1 or more", count => count >= 1);
    private readonly Option<int> _maxLength = NumberOption.Create(
        "--max-seq-length", 2048, "Longest row in tokens.", "2 or more", count => count >= 2);
    private readonly Option<bool> _skipBadLines = new("--skip-bad-lines")
    {
        Description = "Leaves out lines that cannot be read, and names them.",
    };
    private readonly Option<bool> _json = new("--json") { Description = "Prints one JSON object." };
    private readonly ExampleCommand _command = new(
        "evaluate",
        "Measures a model on data that was not trained on: loss and perplexity, exact answers, multiple choice.",
        "elm evaluate --model openelm-270m --data data --mask-prompt",
        "elm evaluate --model openelm-270m --adapter-path adapters --data data --exact-match --limit 100 --json",
        "elm evaluate --model openelm-270m --task arc-easy.jsonl --length-normalized");

    private EvaluateCommand()
    {
        _models = new ModelOptions(_command);
        foreach (Option option in (Option[])[
            _data, _exactMatch, _task, _byLength, _maskPrompt, _limit, _batchSize, _maxLength, _skipBadLines, _json])
            _command.Add(option);
        _command.Validators.Add(Check);
        _command.SetAction(Run);
    }

    public static Command Create() => new EvaluateCommand()._command;

    private void Check(CommandResult result)
    {
        bool hasData = result.GetResult(_data) is not null, hasTask = result.GetResult(_task) is not null;
        if (!hasData && !hasTask)
            result.AddError("give --data DIR, --task FILE.jsonl or both.");
        if (!hasData && result.GetValue(_exactMatch))
            result.AddError("--exact-match asks the completions of --data DIR.");
        if (!hasTask && result.GetValue(_byLength))
            result.AddError("--length-normalized compares the choices of --task FILE.jsonl.");
    }

    private void Run(ParseResult arguments)
    {
        int limit = arguments.GetValue(_limit) ?? -1;
        List<string>? skipped = arguments.GetValue(_skipBadLines) ? [] : null;
        IReadOnlyList<ChoiceItem> questions = arguments.GetValue(_task) is { } path
            ? ChoiceItem.Load(path, limit, skipped)
            : [];
        using OpenElmModel model = _models.Load(arguments);
        string folder = arguments.GetRequiredValue(_models.Model);
        var tokenizer = Tokenizer.Load(folder);
        EvaluationOptions options = new()
        {
            BatchSize = arguments.GetValue(_batchSize),
            MaxSequenceLength = arguments.GetValue(_maxLength),
        };

        Perplexity? perplexity = null;
        ExactMatch? exactMatch = null;
        MultipleChoice? choice = null;
        TextWriter notes = arguments.GetValue(_json) ? Console.Error : Console.Out;
        if (arguments.GetValue(_data) is { } data)
        {
            var rowTokenizer = new RowTokenizer(tokenizer, ChatTemplate.Load(folder), new DatasetOptions
            {
                MaskPrompt = arguments.GetValue(_maskPrompt),
                MaxSequenceLength = options.MaxSequenceLength,
                SkipBadLines = skipped is not null,
                VocabularySize = model.Config.VocabularySize,
            });
            TokenDataset test = TrainingData.Open(data, rowTokenizer).Test;
            DatasetNotes.Print("evaluate", test, notes);
            IReadOnlyList<TokenRow> rows = limit < 0 ? test.Rows : [.. test.Rows.Take(limit)];
            IReadOnlyList<CompletionItem> items = arguments.GetValue(_exactMatch)
                // named above
                ? CompletionItem.Load(test.Path, rowTokenizer.Options, limit, skipped is null ? null : [])
                : [];
            perplexity = EvaluationBar.Run("Loss", progress => Perplexity.Measure(model, rows, options, progress));
            if (items.Count > 0)
                exactMatch = EvaluationBar.Run(
                    "Answers", progress => ExactMatch.Measure(model, rowTokenizer, items, progress));
        }

        if (questions.Count > 0)
        {
            options = options with { CandidateCount = tokenizer.VocabularySize };
            choice = EvaluationBar.Run(
                "Choices", progress => MultipleChoice.Measure(model, tokenizer, questions, options, progress));
        }

        foreach (string reason in skipped ?? [])
            Console.Error.WriteLine($"elm evaluate: {reason}");
        if (arguments.GetValue(_json))
            Console.WriteLine(
                JsonText.Object(json => Write(json, perplexity, exactMatch, choice, arguments.GetValue(_byLength))));
        else
            Print(perplexity, exactMatch, choice);
    }

    private static void Print(Perplexity? perplexity, ExactMatch? exactMatch, MultipleChoice? choice)
    {
        if (perplexity is not null)
            Console.WriteLine(FormattableString.Invariant(
                $"Test loss {perplexity.Loss:F3}, test ppl {perplexity.Value:F3} ± {perplexity.StandardError:F3} ") +
                $"({perplexity.Tokens} tokens of {perplexity.Rows} rows)");
        if (exactMatch is not null)
            Console.WriteLine(FormattableString.Invariant(
                $"Exact match {exactMatch.Right} of {exactMatch.Items} ({100 * exactMatch.Share:F1} %)"));
        if (choice is not null)
            Console.WriteLine(FormattableString.Invariant(
                $"Accuracy {choice.Right} of {choice.Items} ({100 * choice.Accuracy:F1} %), by length ") +
                FormattableString.Invariant($"{choice.RightByLength} ({100 * choice.AccuracyByLength:F1} %)"));
    }

    // What was not measured is null.
    private static void Write(
        Utf8JsonWriter json, Perplexity? perplexity, ExactMatch? exactMatch, MultipleChoice? choice, bool byLength)
    {
        Number("loss", perplexity?.Loss);
        Number("perplexity", perplexity?.Value);
        Number("perplexity_standard_error", perplexity?.StandardError);
        Number("exact_match", exactMatch?.Share);
        Number("accuracy", byLength ? choice?.AccuracyByLength : choice?.Accuracy);
        Number("accuracy_sum", choice?.Accuracy);
        Number("accuracy_length_normalized", choice?.AccuracyByLength);
        json.WriteNumber(
            "items", choice is not null && perplexity is null ? choice.Items : exactMatch?.Items ?? perplexity!.Rows);
        if (choice is not null)
            json.WriteNumber("task_items", choice.Items);
        if (perplexity is not null)
            json.WriteNumber("tokens", perplexity.Tokens);

        void Number(string name, double? value)
        {
            if (value is { } number && double.IsFinite(number))
                json.WriteNumber(name, number);
            else
                json.WriteNull(name);
        }
    }
}
