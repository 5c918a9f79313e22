using System.Text.Json;
using ElmMlx.Datasets;
using ElmMlx.Text;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Chat templates against transformers, in folders, and as training data sees them.</summary>
public sealed class ChatTemplateTests
{
    private static readonly JsonElement Golden =
        JsonElement.Parse(File.ReadAllBytes(Fixtures.Path("mlx-lm/chat_templates.json")));

    private static readonly Dictionary<string, string> Tokens = new()
    {
        ["bos_token"] = Golden.GetProperty("bos_token").GetString()!,
        ["eos_token"] = Golden.GetProperty("eos_token").GetString()!,
    };

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Golden.GetProperty("cases").GetArrayLength())];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Template_writes_what_transformers_writes(int number)
    {
        JsonElement golden = Golden.GetProperty("cases")[number];
        var arguments = golden.TryGetProperty("arguments", out JsonElement given)
            ? given.EnumerateObject().ToDictionary(a => a.Name, a => a.Value)
            : [];
        var options = new ChatTemplateOptions
        {
            AddGenerationPrompt = golden.GetProperty("add_generation_prompt").GetBoolean(),
            Tools = arguments.Remove("tools", out JsonElement tools) ? tools : null,
            Variables = arguments,
        };
        if (golden.TryGetProperty("expected", out JsonElement expected))
            Assert.Equal(expected.GetString(), Render(golden, options));
        else
        {
            string error = golden.GetProperty("error").GetString()!;
            var e = Assert.Throws<InvalidDataException>(() => Render(golden, options));
            Assert.Contains(
                error[(error.IndexOf(": ", StringComparison.Ordinal) + 2)..], e.Message, StringComparison.Ordinal);
            Assert.Matches(@"^the chat template, line \d+: ", e.Message);
        }
    }

    [Fact]
    public void Golden_data_are_all_there() => Assert.Equal(130, Cases.Count);

    [Fact]
    public void Final_message_is_gone_on_with_as_in_transformers()
    {
        Assert.All(Golden.GetProperty("continue_final_message").EnumerateArray(), golden => Assert.Equal(
            golden.GetProperty("expected").GetString(),
            Render(golden, new ChatTemplateOptions { ContinueFinalMessage = true })));
    }

    [Fact]
    public void Final_message_in_parts_is_gone_on_with()
    {
        var template = ChatTemplate.Parse(
            "{% for m in messages %}{% for p in m.content %}<{{ p.text | trim }}>{% endfor %}{% endfor %}");
        JsonElement message =
            JsonElement.Parse("""{"role":"assistant","content":[{"text":"a"},{"text":"b "},{"type":"image"}]}""");
        Assert.Equal("<a><b", template.Render([message], new ChatTemplateOptions { ContinueFinalMessage = true }));
    }

    [Fact]
    public void Final_message_that_is_not_written_cannot_be_gone_on_with()
    {
        var options = new ChatTemplateOptions { ContinueFinalMessage = true };
        var silent = ChatTemplate.Parse("nothing");
        Assert.Throws<InvalidDataException>(() => silent.Render([Message("assistant", "a")], options));
        Assert.Throws<InvalidDataException>(() => silent.Render([], options));
        Assert.Throws<InvalidDataException>(
            () => silent.Render([JsonElement.Parse("""{"role":"tool","content":5}""")], options));
        Assert.Throws<ArgumentException>(() => silent.Render([], options with { AddGenerationPrompt = true }));
    }

    [Fact]
    public void Template_sees_variables_tools_and_tokens()
    {
        var template = ChatTemplate.Parse(
            "{{ bos_token }}|{{ tools is none }}|{{ documents is none }}|{{ think }}|{{ pad_token is defined }}|{{ " +
                "messages[0] }}", Tokens);
        JsonElement message = JsonElement.Parse("""{"role":"user","content":null,"n":{"k":null}}""");
        var variables = new Dictionary<string, JsonElement> { ["think"] = JsonElement.Parse("false") };
        Assert.Equal("<s>|True|True|False|False|{'role': 'user', 'n': {'k': None}}",
            template.Render([message], new ChatTemplateOptions { Variables = variables }));
    }

    [Fact]
    public void Folder_without_a_template_has_none()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(ChatTemplate.Load(folder.Path));
        folder.Write("tokenizer_config.json", """{"bos_token":"<s>"}""");
        Assert.Null(ChatTemplate.Load(folder.Path));
    }

    [Fact]
    public void Jinja_file_goes_before_json_and_settings()
    {
        using var folder = new TemporaryFolder();
        folder.Write("special_tokens_map.json", """{"bos_token":"<map>","pad_token":{"content":"<pad>"}}""");
        folder.Write("tokenizer_config.json", """{"chat_template":"settings{{ bos_token }}{{ pad_token }}","bos_token":{"content":"<b>"},"eos_token":null}""");
        Assert.Equal("settings<b><pad>", RenderNothing(folder));
        folder.Write("chat_template.json", """{"chat_template":"json{{ bos_token }}"}""");
        Assert.Equal("json<b>", RenderNothing(folder));
        folder.Write("chat_template.jinja", "jinja{{ bos_token }}{{ eos_token }}\n");
        Assert.Equal("jinja<b>", RenderNothing(folder));
    }

    [Fact]
    public void Named_templates_are_chosen_by_tools()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer_config.json", """
            {"chat_template":[{"name":"default","template":"plain"},{"name":"tool_use","template":"{{ tools | length }} tools"}]}
            """);
        var template = ChatTemplate.Load(folder.Path)!;
        Assert.Equal("plain", template.Render([], new ChatTemplateOptions()));
        Assert.Equal("2 tools", template.Render([], new ChatTemplateOptions { Tools = JsonElement.Parse("[1, 2]") }));
    }

    [Theory]
    [InlineData("""{"chat_template":[{"name":"a","template":"x"},{"name":"b","template":"y"}]}""", "default")]
    [InlineData("""{"chat_template":5}""", "chat_template")]
    [InlineData("""{"chat_template":[5]}""", "tokenizer_config.json")]
    [InlineData("""{"chat_template":[{"name":"default"}]}""", "tokenizer_config.json")]
    [InlineData("""{"chat_template":"{% if %}"}""", "tokenizer_config.json, line 1: ")]
    [InlineData("""{"chat_template":"{{ nope.x }}"}""", "tokenizer_config.json, line 1: 'nope' is undefined")]
    [InlineData("""[]""", "JSON object")]
    public void Bad_template_is_refused_with_its_file(string config, string expected)
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer_config.json", config);
        var e = Assert.Throws<InvalidDataException>(() => RenderNothing(folder));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.StartsWith(folder.Path, e.Message, StringComparison.Ordinal);
    }

    // A template, two answers, and what of them is learnt. Where a template opens no answer, its heading is a part of
    // what the model has to write.
    public static TheoryData<string?, string, string, string, string> Masked => new()
    {
        { null, "Fine, thanks.", "Yes.", "Fine, thanks.</s>", "Yes.</s>" },
        { null, "", "naïve 東京 🙂", "</s>", "naïve 東京 🙂</s>" },
        {
            "{% for m in messages %}{{ '<s>' + m.role + '\n' + m.content + '</s>' + '\n' }}{% endfor %}" +
            "{% if add_generation_prompt %}<s>assistant\n{% endif %}",
            "Fine,\nthanks.", "Yes.", "Fine,\nthanks.</s>", "Yes.</s>"
        },
        {
            Golden.GetProperty("templates").GetProperty("llama2").GetString(),
            "Fine, thanks.", "Yes.", " Fine, thanks. </s>", " Yes. </s>"
        },
        {
            Golden.GetProperty("templates").GetProperty("zephyr").GetString(),
            "Fine, thanks.", "Yes.", "Fine, thanks.</s>", "Yes.</s>"
        },
        {
            "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}",
            "Fine, thanks.", "Yes.", "assistant: Fine, thanks.</s>", "assistant: Yes.</s>"
        },
        {
            "{% if messages | length < 4 %}{{ raise_exception('all or nothing') }}{% endif %}" +
            "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}",
            "Fine, thanks.", "Yes.", "Fine, thanks.</s>", "Yes.</s>"
        },
        {
            "{% for m in messages %}{{ m.role ~ ': ' if m.role == 'user' or not loop.last }}" +
            "{{ m.content.split(';')[-1] if not loop.last else m.content }}{{ eos_token }}{% endfor %}",
            "I think;Fine.", "I think;Yes.", "Fine.</s>", "I think;Yes.</s>"
        },
    };

    [Theory]
    [MemberData(nameof(Masked))]
    public void Masked_conversation_learns_the_answers_and_their_ends(
        string? source, string first, string second, string learnedFirst, string learnedSecond)
    {
        var tokenizer = Tokenizer.Load(Fixtures.Path("mlx-lm/micro"));
        var template = source is null
            ? ChatTemplate.Load(Fixtures.Path("mlx-lm/micro"))!
            : ChatTemplate.Parse(source, Tokens);
        JsonElement[] messages =
        [
            Message("user", "How are you?"), Message("assistant", first), Message("user", "Sure?"),
            Message("assistant", second),
        ];
        using var folder = new TemporaryFolder();
        folder.Write("train.jsonl", $$"""{"messages":[{{string.Join(',', messages.Select(m => m.GetRawText()))}}]}""");
        TokenRow row = Assert.Single(TrainingData.Open(
            folder.Path, tokenizer, template, new DatasetOptions { MaskPrompt = true }).Train.Rows);
        Assert.Equal([learnedFirst, learnedSecond], DataFiles.Runs(row, tokenizer, withSpecial: true));
        Assert.Equal(tokenizer.Encode(template.Render(messages, new ChatTemplateOptions()), addSpecialTokens: false),
            row.Ids.ToArray());
        TokenRow all = Assert.Single(TrainingData.Open(folder.Path, tokenizer, template).Train.Rows);
        Assert.Equal(all.Length - 1, all.LearnedCount);
    }

    [Fact]
    public void Completion_is_written_with_the_template()
    {
        string folder = Fixtures.Path("mlx-lm/micro");
        var tokenizer = Tokenizer.Load(folder);
        var rows = new RowTokenizer(tokenizer, ChatTemplate.Load(folder), new DatasetOptions { MaskPrompt = true });
        TokenRow row = rows.Completion("Count", "one two");
        int[] prompt = rows.Prompt("Count");
        Assert.Equal("[user] Count\n[assistant] ", tokenizer.Decode(prompt, skipSpecialTokens: false));
        Assert.Equal(["one two</s>"], DataFiles.Runs(row, tokenizer, withSpecial: true));
    }

    private static string Render(JsonElement golden, ChatTemplateOptions options)
    {
        string template =
            Golden.GetProperty("templates").GetProperty(golden.GetProperty("template").GetString()!).GetString()!;
        JsonElement conversation =
            Golden.GetProperty("conversations").GetProperty(golden.GetProperty("conversation").GetString()!);
        return ChatTemplate.Parse(template, Tokens).Render([.. conversation.EnumerateArray()], options);
    }

    private static string RenderNothing(TemporaryFolder folder) =>
        ChatTemplate.Load(folder.Path)!.Render([], new ChatTemplateOptions());

    private static JsonElement Message(string role, string content) => ChatMessage.ToJson(role, content);

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("elm-chat-").FullName;

        public void Write(string name, string text) => File.WriteAllText(System.IO.Path.Combine(Path, name), text);

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
