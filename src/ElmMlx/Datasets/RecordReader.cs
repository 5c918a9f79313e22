using System.Text.Json;

namespace ElmMlx.Datasets;

/// <summary>Turns the records of one file into rows; the first record says which kind the file holds.</summary>
internal sealed class RecordReader
{
    private readonly RowTokenizer _tokenizer;
    private readonly DatasetOptions _options;

    public RecordReader(RowTokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        _options = tokenizer.Options;
    }

    /// <summary>The keys that are looked at.</summary>
    public IReadOnlyCollection<string> Keys =>
        [_options.PromptKey, _options.CompletionKey, _options.ChatKey, _options.TextKey, "tools"];

    /// <summary>What the file holds; null before the first record.</summary>
    public DatasetKind? Kind { get; private set; }

    /// <exception cref="FormatException">The record is not of the file's kind.</exception>
    /// <exception cref="InvalidDataException">The chat template refuses the record.</exception>
    public TokenRow Read(DataRecord source)
    {
        if (source.Defect is { } defect)
            throw new FormatException(defect);
        JsonElement record = source.Value;
        DatasetKind kind = KindOf(record) ?? throw new FormatException(
            $"the record has neither '{_options.PromptKey}' and '{_options.CompletionKey}', nor " +
                $"'{_options.ChatKey}', nor " +
            $"'{_options.TextKey}'.");
        if (Kind is { } former && former != kind && !HasKeys(record, former))
            throw new FormatException(
                $"the record holds {Name(kind)}, and the file began with {Name(former)}; give each kind a file of " +
                    "its own.");
        Kind ??= kind;
        TokenRow row = Kind switch
        {
            DatasetKind.Completions => _tokenizer.Completion(
                Text(record, _options.PromptKey), Text(record, _options.CompletionKey), Tools(record)),
            DatasetKind.Chat => _tokenizer.Chat(record.GetProperty(_options.ChatKey), Tools(record)),
            _ => _tokenizer.Text(Text(record, _options.TextKey)),
        };
        return row.At(source.Line);
    }

    private static string Name(DatasetKind kind) => kind switch
    {
        DatasetKind.Completions => "completions",
        DatasetKind.Chat => "a conversation",
        _ => "a text",
    };

    // mlx-lm's order.
    private DatasetKind? KindOf(JsonElement record)
    {
        foreach (DatasetKind kind in (DatasetKind[])[DatasetKind.Completions, DatasetKind.Chat, DatasetKind.Text])
        {
            if (HasKeys(record, kind))
                return kind;
        }
        return null;
    }

    private bool HasKeys(JsonElement record, DatasetKind kind) => kind switch
    {
        DatasetKind.Completions =>
            record.TryGetProperty(_options.PromptKey, out _) && record.TryGetProperty(_options.CompletionKey, out _),
        DatasetKind.Chat => record.TryGetProperty(_options.ChatKey, out _),
        _ => record.TryGetProperty(_options.TextKey, out _),
    };

    private static string Text(JsonElement record, string key) =>
        ConversationMessages.ReadText(record.GetProperty(key), $"'{key}'");

    /// <summary>What a record says of tools; null for nothing.</summary>
    /// <exception cref="FormatException">It is no list.</exception>
    public static JsonElement? Tools(JsonElement record) =>
        !record.TryGetProperty("tools", out JsonElement tools) || tools.ValueKind == JsonValueKind.Null ? null
            : tools.ValueKind == JsonValueKind.Array ? tools
            : throw new FormatException($"'tools' is {JsonKinds.Name(tools)}, not a list.");
}
