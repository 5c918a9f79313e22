using System.Text.Json;
using ElmMlx.Datasets;
using ElmMlx.Text;

namespace ElmMlx.Preference;

/// <summary>
/// Turns records into pairs: texts (<c>prompt</c>, <c>chosen</c>, <c>rejected</c>), or conversations, where the answers
/// are lists of messages, and so is the prompt unless the lists begin with it.
/// </summary>
internal sealed class PairReader
{
    private readonly PreferenceDataOptions _options;
    private readonly RowTokenizer _rows;

    public PairReader(Tokenizer tokenizer, IChatTemplate? template, PreferenceDataOptions options)
    {
        options.Check();
        _options = options;
        _rows = new RowTokenizer(tokenizer, template, new DatasetOptions { MaskPrompt = true });
    }

    /// <exception cref="FormatException">The record is no pair.</exception>
    /// <exception cref="InvalidDataException">The chat template refuses it.</exception>
    public PreferencePair Read(DataRecord source)
    {
        if (source.Defect is { } defect)
            throw new FormatException(defect);
        JsonElement record = source.Value;
        JsonElement chosen = Require(record, _options.ChosenKey), rejected = Require(record, _options.RejectedKey);
        bool isChat = chosen.ValueKind == JsonValueKind.Array;
        if (isChat != (rejected.ValueKind == JsonValueKind.Array))
            throw new FormatException(
                $"'{_options.ChosenKey}' is {JsonKinds.Name(chosen)} and '{_options.RejectedKey}' " +
                    $"{JsonKinds.Name(rejected)}; " +
                "both must be texts, or both lists of messages.");
        PreferencePair pair = isChat ? Conversations(record, chosen, rejected) : Texts(record, chosen, rejected);
        pair = new PreferencePair(pair.Chosen.At(source.Line), pair.Rejected.At(source.Line));
        foreach (TokenRow row in (TokenRow[])[pair.Chosen, pair.Rejected])
        {
            RowCollector.CheckVocabulary(row, _options.VocabularySize);
            if (row.LearnedCount == 0)
                throw new FormatException("an answer has no token that counts; look at the chat template.");
            if (PromptLength(row) == 0)
                throw new FormatException("the prompt has no token, so nothing stands before the answers.");
        }
        return pair.Chosen.Ids.SequenceEqual(pair.Rejected.Ids)
            ? throw new FormatException($"'{_options.ChosenKey}' and '{_options.RejectedKey}' are the same answer.")
            : pair;
    }

    /// <summary>Tokens before the first one that counts.</summary>
    public static int PromptLength(TokenRow row) => row.Learned.IndexOf(true);

    private PreferencePair Texts(JsonElement record, JsonElement chosen, JsonElement rejected)
    {
        string prompt = ConversationMessages.ReadText(Require(record, _options.PromptKey), $"'{_options.PromptKey}'");
        return new PreferencePair(Row(chosen, _options.ChosenKey), Row(rejected, _options.RejectedKey));

        TokenRow Row(JsonElement answer, string key) => _rows.Completion(
            prompt, NotEmpty(ConversationMessages.ReadText(answer, $"'{key}'"), key), RecordReader.Tools(record));
    }

    private PreferencePair Conversations(JsonElement record, JsonElement chosen, JsonElement rejected)
    {
        List<JsonElement> one = Messages(record, chosen, _options.ChosenKey);
        List<JsonElement> other = Messages(record, rejected, _options.RejectedKey);
        return one.SkipLast(1).SequenceEqual(
            other.SkipLast(1), EqualityComparer<JsonElement>.Create(JsonElement.DeepEquals))
            ? new PreferencePair(
                _rows.LastAnswer(one, RecordReader.Tools(record)), _rows.LastAnswer(other, RecordReader.Tools(record)))
            : throw new FormatException(
                $"'{_options.ChosenKey}' and '{_options.RejectedKey}' differ before their last message; only the " +
                "last one may be another.");
    }

    // The whole conversation: what the prompt says first, and what stands in the list.
    private List<JsonElement> Messages(JsonElement record, JsonElement list, string key)
    {
        List<JsonElement> messages = ConversationMessages.Read(list, key);
        bool hasPrompt = record.TryGetProperty(_options.PromptKey, out JsonElement prompt);
        if (hasPrompt && prompt.ValueKind == JsonValueKind.Array)
            messages.InsertRange(0, ConversationMessages.Read(prompt, _options.PromptKey));
        else if (hasPrompt && IsAnswer(messages[0]))
            messages.Insert(0, ChatMessage.ToJson(
                "user", ConversationMessages.ReadText(prompt, $"'{_options.PromptKey}'")));
        if (!IsAnswer(messages[^1]))
            throw new FormatException(
                $"the last message of '{key}' is the {ConversationMessages.RoleOf(messages[^1])}'s; it must be the " +
                    "assistant's.");
        if (messages.Count < 2 || IsAnswer(messages[^2]))
            throw new FormatException(
                $"'{key}' must have the user's message before the answer, and one answer after it.");
        NotEmpty(ConversationMessages.TextOf(messages[^1], messages.Count), key);
        return messages;
    }

    private static bool IsAnswer(JsonElement message) => ConversationMessages.RoleOf(message) == "assistant";

    private static JsonElement Require(JsonElement record, string key) =>
        record.TryGetProperty(key, out JsonElement value)
            ? value
            : throw new FormatException($"the record has no '{key}'.");

    private static string NotEmpty(string answer, string key) => string.IsNullOrWhiteSpace(answer)
        ? throw new FormatException($"the answer in '{key}' is empty.")
        : answer;
}
