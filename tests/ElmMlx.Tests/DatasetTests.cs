using System.Text.Json;
using ElmMlx.Datasets;
using ElmMlx.Text;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Records to rows: what a file holds, which tokens are learnt, what ends a row.</summary>
public sealed class DatasetTests : IDisposable
{
    private readonly DataFiles _files = new();

    /// <summary>Both tokenizers.</summary>
    public static TheoryData<string> Tokenizers => new("bytes", "pieces");

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("text", DatasetKind.Text)]
    [InlineData("completions", DatasetKind.Completions)]
    [InlineData("chat", DatasetKind.Chat)]
    public void Folder_of_mlx_lm_is_read_by_its_content(string folder, DatasetKind kind)
    {
        var data = TrainingData.Open(Fixtures.Path("train/data/" + folder), DataFiles.Bytes);
        foreach ((TokenDataset dataset, int count) in new[] { (data.Train, 40), (data.Validation!, 20),
            (data.Test, 20) })
        {
            Assert.Equal(kind, dataset.Kind);
            Assert.Equal(count, dataset.Rows.Count);
            Assert.Equal(Enumerable.Range(1, count).Select(line => (long)line), dataset.Rows.Select(row => row.Record));
            Assert.Equal((count, count, 0, 0), (
                dataset.Report.Records, dataset.Report.Rows, dataset.Report.Skipped, dataset.Report.NothingToLearn));
            Assert.Equal(dataset.Rows.Sum(row => (long)row.Length), dataset.Report.Tokens);
            Assert.Equal(dataset.Report.Tokens - count, dataset.Report.LearnedTokens);       // all but each first token
            Assert.EndsWith(".jsonl, line 3", dataset.Place(2), StringComparison.Ordinal);
        }
        Assert.Same(data.Train, data.Train);
    }

    [Theory]
    [InlineData("""{"prompt": "a", "completion": "b", "messages": [], "text": "c"}""", DatasetKind.Completions)]
    [InlineData("""{"prompt": "a", "messages": [{"role": "user", "content": "a"}], "text": "c"}""", DatasetKind.Chat)]
    [InlineData("""{"completion": "a", "text": "c", "id": 7}""", DatasetKind.Text)]
    public void Keys_are_looked_for_in_mlx_lm_s_order(string line, DatasetKind kind) =>
        Assert.Equal(kind, DataFiles.Load(_files.Write("train.jsonl", line)).Kind);

    [Fact]
    public void Renamed_keys_are_those_that_count()
    {
        DatasetOptions options =
            new() { PromptKey = "question", CompletionKey = "answer", ChatKey = "talk", TextKey = "story" };
        string[] plain =
        [
            DataFiles.Record(("prompt", "Who?"), ("completion", " Me.")),
            DataFiles.Record(("messages", new[] { new { role = "user", content = "Who?" } })),
            DataFiles.Text("Once."),
        ];
        string[] renamed =
        [
            plain[0].Replace("prompt", "question").Replace("completion", "answer"),
            plain[1].Replace("messages", "talk"),
            plain[2].Replace("text", "story"),
        ];
        for (int i = 0; i < plain.Length; i++)
        {
            TokenDataset expected = DataFiles.Load(_files.Write("plain.jsonl", plain[i]));
            TokenDataset actual = DataFiles.Load(_files.Write("renamed.jsonl", renamed[i]), options);
            Assert.Equal(expected.Kind, actual.Kind);
            Assert.Equal(expected.Rows[0].Ids.ToArray(), actual.Rows[0].Ids.ToArray());
        }
        Assert.Contains(
            "the record has neither 'question' and 'answer', nor 'talk', nor 'story'.",
            Refusal(options, DataFiles.Text("Once.")), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void Text_is_ended_once_and_learnt_whole(string name)
    {
        Tokenizer tokenizer = Of(name);
        var rows = new RowTokenizer(tokenizer);
        string eos = tokenizer.TokenText(tokenizer.EosId!.Value);
        foreach (string text in (string[])["A river.", " A river.\n", "東京 🙂", "A river." + eos])
        {
            TokenRow row = rows.Text(text);
            Assert.Equal(tokenizer.EosId, row.Ids[^1]);
            Assert.Equal(1, row.Ids.Count(tokenizer.EosId!.Value));
            Assert.Equal(row.Length - 1, row.LearnedCount);
            int[] ids = tokenizer.Encode(text);
            Assert.Equal(ids[^1] == tokenizer.EosId ? ids : [.. ids, tokenizer.EosId!.Value], row.Ids.ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void Masked_completion_begins_with_its_prompt_and_learns_the_rest(string name)
    {
        Tokenizer tokenizer = Of(name);
        var rows = new RowTokenizer(tokenizer, null, new DatasetOptions { MaskPrompt = true });
        var whole = new RowTokenizer(tokenizer);
        foreach (JsonElement record in Records("completions").Concat(Awkward()))
        {
            string prompt = record.GetProperty("prompt").GetString()!,
                completion = record.GetProperty("completion").GetString()!;
            TokenRow row = rows.Completion(prompt, completion);
            int[] begin = rows.Prompt(prompt);
            Assert.Equal(begin, row.Ids[..begin.Length].ToArray());
            Assert.DoesNotContain(true, row.Learned[..begin.Length].ToArray());
            Assert.DoesNotContain(false, row.Learned[begin.Length..].ToArray());
            Assert.Equal(row.Length - Math.Max(begin.Length, 1), row.LearnedCount);
            Assert.Equal(tokenizer.EosId, row.Ids[^1]);
            Assert.Equal(1, row.Ids.Count(tokenizer.EosId!.Value));
            Assert.Equal(
                prompt + completion,
                tokenizer.Decode(
                    row.Ids.ToArray(), skipSpecialTokens: true).TrimStart(prompt[..1] == " " ? '\0' : ' '));
            Assert.Equal(row.Ids.ToArray(), whole.Completion(prompt, completion).Ids.ToArray());
            Assert.Equal(row.Length - 1, whole.Completion(prompt, completion).LearnedCount);
        }
    }

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void Every_answer_of_a_conversation_is_learnt_and_nothing_else(string name)
    {
        Tokenizer tokenizer = Of(name);
        int eos = tokenizer.EosId!.Value;
        var rows = new RowTokenizer(tokenizer, null, new DatasetOptions { MaskPrompt = true });
        int several = 0;
        foreach (JsonElement record in Records("chat"))
        {
            JsonElement messages = record.GetProperty("messages");
            TokenRow row = rows.Chat(messages);
            string[] answers = [.. messages.EnumerateArray()
                .Where(message => message.GetProperty("role").GetString() == "assistant")
                .Select(message => message.GetProperty("content").GetString()!)];
            Assert.Equal((1, eos, true), (row.Ids.Count(eos), row.Ids[^1], row.Learned[^1]));
            Assert.Equal(answers, DataFiles.Runs(row, tokenizer).Select(text => text.Trim()));
            several += answers.Length > 1 ? 1 : 0;
        }
        Assert.InRange(several, 5, 40);
    }

    [Fact]
    public void Plain_conversation_is_written_as_mlx_lm_s_server_does()
    {
        JsonElement messages = JsonElement.Parse("""
            [{"role": "system", "content": "Be short."}, {"role": "user", "content": [{"type": "text", "text": "Who"}, {"type": "text", "text": "?"}]},
             {"role": "assistant", "content": "Me."}, {"role": "user", "content": "And?"}]
            """);
        TokenRow row = new RowTokenizer(DataFiles.Bytes).Chat(messages);
        Assert.Equal(
            "ASSISTANT's RULE: Be short.\nUSER: Who?\nASSISTANT: Me.\nUSER: And?",
            DataFiles.Bytes.Decode(row.Ids.ToArray(), skipSpecialTokens: true));
        // it is the user's turn: nothing has ended
        Assert.DoesNotContain(DataFiles.Bytes.EosId!.Value, row.Ids.ToArray());
    }

    [Fact]
    public void Template_s_own_end_is_not_doubled_and_every_answer_learns_it()
    {
        JsonElement messages = Records("chat").Select(record => record.GetProperty("messages"))
            .First(list => list.EnumerateArray().Count(m => m.GetProperty("role").GetString() == "assistant") > 1);
        string eos = DataFiles.Bytes.TokenText(DataFiles.Bytes.EosId!.Value);
        TokenRow row = new RowTokenizer(
            DataFiles.Bytes, new Bracketed(eos), new DatasetOptions { MaskPrompt = true }).Chat(messages);
        string[] answers = [.. messages.EnumerateArray()
            .Where(message => message.GetProperty("role").GetString() == "assistant")
            .Select(message => message.GetProperty("content").GetString()!)];
        Assert.Equal(answers, DataFiles.Runs(row, DataFiles.Bytes).Select(text => text.Trim()));
        Assert.Equal(answers.Length, row.Ids.Count(DataFiles.Bytes.EosId!.Value));
        Assert.Equal(answers.Length, DataFiles.Learned(row).Count(id => id == DataFiles.Bytes.EosId));
    }

    [Theory]
    [InlineData("""[{"role": "robot", "content": "a"}]""", "message 1 has the unknown role 'robot'; known are " +
        "system, developer, user, assistant, tool, function.")]
    [InlineData("""[{"role": "user", "content": "a"}, {"content": "b"}]""", "message 2 has no 'role'.")]
    [InlineData("""[{"role": "user"}]""", "message 1 has no 'content'.")]
    [InlineData("""[{"role": "user", "content": null}]""", "message 1: 'content' is null.")]
    [InlineData("""[{"role": "user", "content": 7}]""", "message 1: 'content' is a number, not a text.")]
    [InlineData("""["a"]""", "message 1 is a text, not an object.")]
    [InlineData("[]", "'messages' has no messages.")]
    [InlineData("\"a\"", "'messages' is a text, not a list of messages.")]
    public void Messages_that_are_none_are_refused(string messages, string reason) =>
        Assert.Contains("line 1: " + reason, Refusal(null, $"{{\"messages\": {messages}}}"), StringComparison.Ordinal);

    [Fact]
    public void Kinds_do_not_mix_in_a_file()
    {
        string completion = DataFiles.Record(("prompt", "a"), ("completion", "b"));
        Assert.EndsWith(
            "line 2: the record holds completions, and the file began with a text; give each kind a file of its " +
                "own. Correct the " +
            "line, or skip bad lines.", Refusal(null, DataFiles.Text("a"), completion), StringComparison.Ordinal);
        TokenDataset kept = DataFiles.Load(
            _files.Write("train.jsonl", completion, DataFiles.Text("a"), completion),
            new DatasetOptions { SkipBadLines = true });
        Assert.Equal([1L, 3L], kept.Rows.Select(row => row.Record));
        Assert.Equal((3, 1), (kept.Report.Records, kept.Report.Skipped));
    }

    [Fact]
    public void Texts_have_no_prompt_to_mask() => Assert.Contains(
        "holds texts, which have no prompt to mask",
        Refusal(new DatasetOptions { MaskPrompt = true }, DataFiles.Text("a")), StringComparison.Ordinal);

    private string Refusal(DatasetOptions? options, params string[] lines) =>
        Assert.Throws<InvalidDataException>(() => DataFiles.Load(_files.Write("train.jsonl", lines), options)).Message;

    private static Tokenizer Of(string name) => name == "bytes" ? DataFiles.Bytes : DataFiles.Pieces;

    private static IEnumerable<JsonElement> Records(string folder) =>
        File.ReadLines(Fixtures.Path($"train/data/{folder}/train.jsonl"))
            .Select(line => JsonDocument.Parse(line).RootElement);

    // Completions that a tokenizer would join with the end of the prompt, or begin with a space of its own.
    private static IEnumerable<JsonElement> Awkward() =>
        new[] { ("The ri", "ver"), ("Sum: 1", "2"), ("Say \n", "\n\nyes"), ("Q", " a ") }
        .Select(pair =>
            JsonDocument.Parse(DataFiles.Record(("prompt", pair.Item1), ("completion", pair.Item2))).RootElement);

    /// <summary><c>[role] content</c>, an answer with the end of a text, a line each.</summary>
    private sealed class Bracketed(string eos) : IChatTemplate
    {
        public string Render(IReadOnlyList<JsonElement> messages, ChatTemplateOptions options) => string.Concat(
            messages.Select(message =>
                $"[{message.GetProperty("role").GetString()}] {message.GetProperty("content").GetString()}" +
                (message.GetProperty("role").GetString() == "assistant" ? eos : "") + "\n"))
            + (options.AddGenerationPrompt ? "[assistant] " : "");
    }
}
