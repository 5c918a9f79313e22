using System.Text.Json;
using ElmMlx.Datasets;
using ElmMlx.Preference;
using ElmMlx.Text;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// Pairs from files: which tokens count, what is cut, and which lines are refused with which sentence.
/// </summary>
public sealed class PreferenceDataTests : IDisposable
{
    private static readonly Tokenizer Tokenizer = Tokenizer.Load(Fixtures.Path("mlx-lm/micro"));
    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-pairs-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Answers_and_their_ends_count_and_prompts_do_not()
    {
        PreferenceDataset dataset = Load("""{"prompt": "Say it:", "chosen": " yes", "rejected": " not now"}""");
        PreferencePair pair = Assert.Single(dataset.Pairs);
        int[] prompt = Tokenizer.Encode("Say it:");
        Assert.Equal(("Say it:", " yes</s>"), Parts(pair.Chosen, prompt.Length));
        Assert.Equal(("Say it:", " not now</s>"), Parts(pair.Rejected, prompt.Length));
        Assert.Same(pair.Rejected, dataset.Rows[1]);
        Assert.EndsWith("train.jsonl, line 1", dataset.Place(1), StringComparison.Ordinal);
        Assert.Equal((1L, 1, pair.Chosen.Length + pair.Rejected.Length),
            (dataset.Report.Records, dataset.Report.Pairs, dataset.Report.Tokens));
    }

    [Fact]
    public void Keys_can_be_others()
    {
        PreferenceDataset dataset = Load(
            """{"q": "Say:", "good": " a", "bad": " b"}""",
            new PreferenceDataOptions { PromptKey = "q", ChosenKey = "good", RejectedKey = "bad" });
        Assert.Equal("Say:", Parts(Assert.Single(dataset.Pairs).Chosen).Prompt);
    }

    // Prompt and answers as lists; the prompt within the lists; a text and lists of one answer; UltraFeedback's both.
    [Theory]
    [InlineData("""{"prompt": [USER], "chosen": [YES], "rejected": [NO]}""")]
    [InlineData("""{"chosen": [USER, YES], "rejected": [USER, NO]}""")]
    [InlineData("""{"prompt": "Say it", "chosen": [YES], "rejected": [NO]}""")]
    [InlineData("""{"prompt": "Say it", "chosen": [USER, YES], "rejected": [USER, NO]}""")]
    public void Conversations_are_pairs_too(string line)
    {
        line = line.Replace("USER", """{"role": "user", "content": "Say it"}""", StringComparison.Ordinal)
            .Replace("YES", """{"role": "assistant", "content": "yes"}""", StringComparison.Ordinal)
            .Replace("NO", """{"role": "assistant", "content": "no"}""", StringComparison.Ordinal);
        PreferencePair templated = Assert.Single(Load(line, template: new Template()).Pairs);
        Assert.Equal(("[user] Say it\n[assistant] ", "yes</s>"), Parts(templated.Chosen));
        Assert.Equal(("[user] Say it\n[assistant] ", "no</s>"), Parts(templated.Rejected));
        PreferencePair plain = Assert.Single(Load(line).Pairs);
        Assert.Equal(("USER: Say it\nASSISTANT:", " yes</s>"), Parts(plain.Chosen));
    }

    [Fact]
    public void Only_the_last_answer_of_a_conversation_counts()
    {
        string before = """{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}""";
        PreferencePair pair = Assert.Single(Load(
            $$"""{"chosen": [{{before}}, {"role": "assistant", "content": "d"}], "rejected": [{{before}}, {"role": "assistant", "content": "e"}]}""",
            template: new Template()).Pairs);
        Assert.Equal(("[user] a\n[assistant] b</s>\n[user] c\n[assistant] ", "d</s>"), Parts(pair.Chosen));
    }

    [Fact]
    public void Text_prompt_gets_the_template_too() => Assert.Equal(
        ("[user] Say it\n[assistant] ", "yes</s>"),
        Parts(Assert.Single(Load(
            """{"prompt": "Say it", "chosen": "yes", "rejected": "no"}""", template: new Template()).Pairs).Chosen));

    // 32 tokens at most, 8 of them of the prompt where that is not enough.
    [Fact]
    public void Long_rows_lose_the_prompt_s_beginning_then_the_answer_s_end()
    {
        PreferenceDataOptions options = new() { MaxSequenceLength = 32, MaxPromptLength = 8 };
        string ask = new('q', 40), say = new('z', 60), lines = string.Join('\n',
            Line("q", "yes", "no"),             // fits
            Line(ask, "yes", "no"),             // the prompt alone
            Line(ask, "yes", "no" + say),       // the prompt, and one answer
            Line("qq", say + "1", "no"),        // an answer alone
            Line("q", say + "1", say + "2"));   // alike once cut
        PreferenceDataset dataset = Load(lines, options);
        PreferenceDataset whole = Load(lines, options with { MaxSequenceLength = 4096, MaxPromptLength = 4000 });
        Assert.All(dataset.Rows, row => Assert.InRange(row.Length, 3, 32));
        Assert.Equal([1, 2, 3, 4], dataset.Pairs.Select(pair => pair.Chosen.Record));
        PreferenceReport report = dataset.Report;
        Assert.Equal(
            (5L, 4, 2, 3, 1),
            (report.Records, report.Pairs, report.CutPrompts, report.CutAnswers, report.AlikeAfterCut));
        Assert.Equal(whole.Report.Tokens - dataset.Report.Tokens - 2 * 32, report.CutTokens);
        PreferencePair promptCut = dataset.Pairs[1];
        Assert.Equal(8, PairReader.PromptLength(promptCut.Chosen));
        Assert.True(whole.Pairs[1].Chosen.Ids.EndsWith(promptCut.Chosen.Ids));
        Assert.Equal(whole.Pairs[1].Rejected.LearnedCount, promptCut.Rejected.LearnedCount);
        Assert.Equal(32, dataset.Pairs[2].Rejected.Length);
        Assert.Equal(
            PairReader.PromptLength(dataset.Pairs[2].Chosen), PairReader.PromptLength(dataset.Pairs[2].Rejected));
        Assert.True(whole.Pairs[3].Chosen.Ids.StartsWith(dataset.Pairs[3].Chosen.Ids));

        static string Line(string prompt, string chosen, string rejected) =>
            $$"""{"prompt": "{{prompt}}", "chosen": "{{chosen}}", "rejected": "{{rejected}}"}""";
    }

    public static TheoryData<string, string> BadLines => new()
    {
        { """{"prompt": "a", "chosen": "b"}""", "the record has no 'rejected'." },
        { """{"chosen": "b", "rejected": "c"}""", "the record has no 'prompt'." },
        { """{"prompt": 1, "chosen": "b", "rejected": "c"}""", "'prompt' is a number, not a text." },
        { """{"prompt": "a", "chosen": "b", "rejected": null}""", "'rejected' is null, not a text." },
        { """{"prompt": "a", "chosen": "b", "rejected": []}""",
            "'chosen' is a text and 'rejected' a list; both must be texts, or both lists of messages." },
        { """{"prompt": "a", "chosen": "b", "rejected": "b"}""", "'chosen' and 'rejected' are the same answer." },
        { """{"prompt": "a", "chosen": " ", "rejected": "b"}""", "the answer in 'chosen' is empty." },
        { """{"prompt": "a", "chosen": [], "rejected": []}""", "'chosen' has no messages." },
        { """{"prompt": "a", "chosen": [{"role": "user", "content": "b"}], "rejected": [{"role": "user", "content": "c"}]}""",
            "the last message of 'chosen' is the user's; it must be the assistant's." },
        { """{"chosen": [{"role": "assistant", "content": "b"}], "rejected": [{"role": "assistant", "content": "c"}]}""",
            "'chosen' must have the user's message before the answer, and one answer after it." },
        { """{"prompt": "a", "chosen": [{"role": "assistant", "content": "b"}], "rejected": [{"role": "assistant", "content": ""}]}""",
            "the answer in 'rejected' is empty." },
        { """{"chosen": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "rejected": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "c"}]}""",
            "'chosen' and 'rejected' differ before their last message; only the last one may be another." },
        { "[1]", "the line is a list, not a JSON object." },
    };

    [Theory]
    [MemberData(nameof(BadLines))]
    public void Bad_line_is_named_with_its_reason(string line, string reason)
    {
        string good = """{"prompt": "a", "chosen": "b", "rejected": "c"}""";
        string message = Assert.Throws<InvalidDataException>(() => Load(good + "\n" + line)).Message;
        Assert.Equal(
            $"{Path.Combine(_folder, "train.jsonl")}, line 2: {reason} Correct the line, or skip bad lines.", message);
        PreferenceDataset skipped = Load(line + "\n" + good, new PreferenceDataOptions { SkipBadLines = true });
        Assert.Equal((2L, 1, 1), (skipped.Report.Records, skipped.Report.Pairs, skipped.Report.Skipped));
        Assert.EndsWith($"line 1: {reason}", Assert.Single(skipped.Report.SkippedReasons), StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_beyond_the_model_s_vocabulary_are_refused() => Assert.Contains(
        "the model's vocabulary has 40; take the model's own tokenizer.",
        Assert.Throws<InvalidDataException>(() => Load(
            """{"prompt": "a", "chosen": "b", "rejected": "c"}""",
            new PreferenceDataOptions { VocabularySize = 40 })).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData(1, 1, "max_seq_length is 1; it must be at least 2.")]
    [InlineData(
        8, 8, "max_prompt_length is 8; it must be from 1 to 7, below max_seq_length, so that an answer has room.")]
    [InlineData(
        8, 0, "max_prompt_length is 0; it must be from 1 to 7, below max_seq_length, so that an answer has room.")]
    public void Impossible_length_is_refused(int most, int prompt, string message) => Assert.Equal(
        message, Assert.Throws<ArgumentException>(() => Load(
            "", new PreferenceDataOptions { MaxSequenceLength = most, MaxPromptLength = prompt })).Message);

    [Fact]
    public void Folder_without_pairs_is_explained()
    {
        PreferenceData Open() =>
            PreferenceData.Open(_folder, Tokenizer, null, new PreferenceDataOptions { SkipBadLines = true });
        Assert.Contains("has no train.jsonl", Assert.Throws<FileNotFoundException>(() => Open().Train).Message,
            StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_folder, "train.jsonl"), "");
        Assert.EndsWith(
            "is empty.", Assert.Throws<InvalidDataException>(() => Open().Train).Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_folder, "train.jsonl"), "{}");
        Assert.Contains("of 1 records 1 cannot be read",
            Assert.Throws<InvalidDataException>(() => Open().Train).Message, StringComparison.Ordinal);
        Assert.Null(Open().Validation);
        Assert.Contains("There is no data folder", Assert.Throws<DirectoryNotFoundException>(
            () => PreferenceData.Open(Path.Combine(_folder, "none"), Tokenizer)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Batch_has_both_rows_of_each_pair_once_an_epoch()
    {
        PreferenceDataset dataset = Load(string.Join('\n', Enumerable.Range(0, 7).Select(
            i => $$"""{"prompt": "p{{i}}", "chosen": "{{new string('y', i + 1)}}", "rejected": "no"}""")));
        PreferenceBatches batches = new(dataset, new BatchOptions { BatchSize = 3, Seed = 3 });
        Assert.Equal(3, batches.BatchesPerEpoch);
        foreach (int epoch in (int[])[0, 1, 0])
        {
            List<int> pairs = [];
            for (int number = 0; number < batches.BatchesPerEpoch; number++)
            {
                using Batch batch = batches.Get(epoch, number);
                Assert.Equal(batch.Rows.Count, batch.Inputs.Dim(0));
                foreach (int[] rows in batch.Rows.Chunk(2))
                {
                    Assert.Equal((0, rows[0] + 1), (rows[0] % 2, rows[1]));
                    pairs.Add(rows[0] / 2);
                }
            }
            Assert.Equal(Enumerable.Range(0, 7), pairs.Order());
        }
    }

    private PreferenceDataset Load(string lines, PreferenceDataOptions? options = null, IChatTemplate? template = null)
    {
        string path = Path.Combine(_folder, "train.jsonl");
        File.WriteAllText(path, lines);
        return PreferenceDataset.Load(path, Tokenizer, template, options);
    }

    // What stands before the first token that counts, and what counts; the text's first token is BOS.
    private static (string Prompt, string Answer) Parts(TokenRow row, int? promptLength = null)
    {
        int length = PairReader.PromptLength(row);
        Assert.Equal(promptLength ?? length, length);
        int end = length + row.Learned[length..].IndexOf(false) is var stop && row.Learned[length..].Contains(false)
            ? stop
            : row.Length;
        return (Tokenizer.Decode(row.Ids[..length]).Replace("<s>", "", StringComparison.Ordinal),
            Tokenizer.Decode(row.Ids[length..end]));
    }

    // That of the micro model's tokenizer_config.json.
    private sealed class Template : IChatTemplate
    {
        public string Render(IReadOnlyList<JsonElement> messages, ChatTemplateOptions options) =>
            string.Concat(messages.Select(message =>
        {
            string role = message.GetProperty("role").GetString()!;
            return $"[{role}] {message.GetProperty("content").GetString()}{(role == "assistant" ? "</s>" : "")}\n";
        })) + (options.AddGenerationPrompt ? "[assistant] " : "");
    }
}
