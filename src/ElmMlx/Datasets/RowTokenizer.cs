using System.Text.Json;
using ElmMlx.Text;

namespace ElmMlx.Datasets;

/// <summary>
/// Texts, completions and conversations to rows of tokens. What ends a text is appended once, and learnt.
/// </summary>
public sealed class RowTokenizer
{
    // Texts in front of a continuation that tokenizers do not join with what follows.
    private static readonly string[] Anchors = [".", "\n", "0", "a"];

    private readonly int _eosId;
    private readonly bool _addsEos;
    private readonly string[] _endTexts;

    /// <summary>A tokenizer of rows.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="template">The model's chat template; null where it has none.</param>
    /// <param name="options">How rows are made.</param>
    /// <exception cref="ArgumentException">The tokenizer names no token that ends a text, or an option is
    /// impossible.</exception>
    public RowTokenizer(Tokenizer tokenizer, IChatTemplate? template = null, DatasetOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        Tokenizer = tokenizer;
        Template = template;
        Options = options ?? new DatasetOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(Options.MaxSequenceLength, 2, "MaxSequenceLength");
        _eosId = tokenizer.EosId ?? throw new ArgumentException(
            $"{tokenizer.FileName} names no token that ends a text; name it as eos_token in a tokenizer_config.json " +
            "beside it.", nameof(tokenizer));
        _addsEos = tokenizer.Encode("a") is [.., int last] && last == _eosId;
        _endTexts = [.. tokenizer.EosIds.Select(tokenizer.TokenText).Where(text => text.Length > 0)];
    }

    /// <summary>The model's tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The model's chat template; null where it has none.</summary>
    public IChatTemplate? Template { get; }

    /// <summary>How rows are made.</summary>
    public DatasetOptions Options { get; }

    /// <summary>A text and the token that ends it; all of it is learnt.</summary>
    public TokenRow Text(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TokenRow.From(Ended(Tokenizer.Encode(text)));
    }

    /// <summary>The tokens after which a completion is to be generated.</summary>
    /// <param name="prompt">The prompt, without what a chat template puts around it.</param>
    /// <exception cref="InvalidDataException">The chat template refuses the prompt.</exception>
    public int[] Prompt(string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return Template is null
            ? WithoutEos(Tokenizer.Encode(prompt))
            : Tokenizer.Encode(
                Template.Render(
                    [ChatMessage.ToJson("user", prompt)], new ChatTemplateOptions { AddGenerationPrompt = true }),
                addSpecialTokens: false);
    }

    /// <summary>
    /// A prompt and what follows it. Without a chat template the row begins with exactly the tokens of
    /// <see cref="Prompt"/>.
    /// </summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="completion">What follows.</param>
    /// <param name="tools">A JSON list for the chat template; null for none.</param>
    /// <exception cref="InvalidDataException">The chat template refuses the messages.</exception>
    public TokenRow Completion(string prompt, string completion, JsonElement? tools = null)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(completion);
        if (Template is not null)
            return Conversation(
                [ChatMessage.ToJson("user", prompt), ChatMessage.ToJson("assistant", completion)], tools);
        int[] begin = Prompt(prompt);
        int[] whole = WithoutEos(Tokenizer.Encode(prompt + completion));
        if (!whole.AsSpan().StartsWith(begin))
            whole = [.. begin, .. Continuation(completion)];
        return TokenRow.From(Ended(whole), Options.MaskPrompt ? begin.Length : 0);
    }

    /// <summary>
    /// A conversation; with masked prompts every answer of the assistant is learnt, and what ends it.
    /// </summary>
    /// <param name="messages">A JSON list of objects with <c>role</c> and <c>content</c>.</param>
    /// <param name="tools">A JSON list for the chat template; null for none.</param>
    /// <exception cref="FormatException">They are not messages.</exception>
    /// <exception cref="InvalidDataException">The chat template refuses the messages.</exception>
    public TokenRow Chat(JsonElement messages, JsonElement? tools = null) =>
        Conversation(ConversationMessages.Read(messages, Options.ChatKey), tools);

    /// <summary>A conversation whose last message is an answer; with masked prompts only that one is learnt.</summary>
    internal TokenRow LastAnswer(List<JsonElement> messages, JsonElement? tools) =>
        Conversation(messages, tools, onlyLast: true);

    private TokenRow Conversation(List<JsonElement> messages, JsonElement? tools, bool onlyLast = false)
    {
        ConversationText conversation = Template is null
            ? PlainConversation.Render(messages)
            : new TemplateConversation(Template, messages, tools, _endTexts).Render(Options.MaskPrompt);
        int[] ids = Encode(conversation, conversation.Text.Length);
        bool[] learned = new bool[ids.Length];
        if (Options.MaskPrompt)
        {
            foreach (Range answer in onlyLast ? conversation.Answers.TakeLast(1) : conversation.Answers)
            {
                int start = Boundary(conversation, ids, answer.Start.Value, isEnd: false);
                int end = Boundary(conversation, ids, answer.End.Value, isEnd: true);
                learned.AsSpan(start, Math.Max(0, end - start)).Fill(true);
            }
        }
        else
            Array.Fill(learned, true);
        string shown = conversation.Text.TrimEnd();
        bool isEnded = _endTexts.Any(text => shown.EndsWith(text, StringComparison.Ordinal))
            || ids is [.., int last] && Tokenizer.EosIds.Contains(last);
        return !conversation.EndsWithAnswer || isEnded
            ? new TokenRow(ids, learned)
            : new TokenRow([.. ids, _eosId], [.. learned, true]);
    }

    // Where a place in the text lies among the tokens: behind those that the text up to there has too. A token across
    // the place belongs to the answer.
    private int Boundary(ConversationText conversation, int[] ids, int place, bool isEnd)
    {
        if (place == conversation.Text.Length)
            return ids.Length;
        int[] part = WithoutEos(Encode(conversation, place));
        int common = ids.AsSpan().CommonPrefixLength(part);
        return isEnd && common < part.Length ? Math.Min(common + 1, ids.Length) : common;
    }

    private int[] Encode(ConversationText conversation, int length) =>
        Tokenizer.Encode(conversation.Text[..length], addSpecialTokens: !conversation.HasSpecialTokens);

    // The tokens of a text that is not a beginning: some tokenizers put a space before one that is.
    private int[] Continuation(string text)
    {
        foreach (string anchor in Anchors)
        {
            int[] begin = Tokenizer.Encode(anchor, addSpecialTokens: false);
            int[] whole = Tokenizer.Encode(anchor + text, addSpecialTokens: false);
            if (begin.Length > 0 && whole.AsSpan().StartsWith(begin))
                return whole[begin.Length..];
        }
        return Tokenizer.Encode(text, addSpecialTokens: false);
    }

    private int[] Ended(int[] ids) => ids is [.., int last] && last == _eosId ? ids : [.. ids, _eosId];

    private int[] WithoutEos(int[] ids) => _addsEos && ids is [.., int last] && last == _eosId ? ids[..^1] : ids;
}
