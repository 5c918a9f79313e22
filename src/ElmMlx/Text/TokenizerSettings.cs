using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>
/// What <c>tokenizer_config.json</c> says beside a tokenizer: named tokens and what stands around a text.
/// </summary>
internal sealed record TokenizerSettings
{
    public static readonly TokenizerSettings None = new();

    public string? BosToken { get; init; }
    public string? EosToken { get; init; }
    public string? PadToken { get; init; }
    public string? UnknownToken { get; init; }
    public bool? AddBos { get; init; }
    public bool? AddEos { get; init; }
    public bool CleansUpSpaces { get; init; }

    /// <summary>More ids that end a text.</summary>
    public IReadOnlyList<int> EosIds { get; init; } = [];

    /// <summary>Reads what lies in the tokenizer's folder; every file may be missing.</summary>
    public static TokenizerSettings Read(string folder)
    {
        var settings = ReadFile(Path.Combine(folder, "tokenizer_config.json"), None, root => new TokenizerSettings
        {
            BosToken = Token(root, "bos_token"),
            EosToken = Token(root, "eos_token"),
            PadToken = Token(root, "pad_token"),
            UnknownToken = Token(root, "unk_token"),
            AddBos = Flag(root, "add_bos_token"),
            AddEos = Flag(root, "add_eos_token"),
            CleansUpSpaces = Flag(root, "clean_up_tokenization_spaces") ?? false,
        });
        // The model's own settings name the ids that end a text; those for generation go first.
        var eosIds = ReadFile(Path.Combine(folder, "generation_config.json"), [], ReadEosIds);
        if (eosIds.Count == 0)
            eosIds = ReadFile(Path.Combine(folder, "config.json"), [], ReadEosIds);
        return settings with { EosIds = eosIds };
    }

    private static T ReadFile<T>(string path, T missing, Func<JsonElement, T> read) => !File.Exists(path)
        ? missing
        : TokenizerFile.Parse(path, TokenizerFile.ReadBytes(path), root => root.ValueKind == JsonValueKind.Object
            ? read(root)
            : throw new FormatException("is not a JSON object"));

    private static List<int> ReadEosIds(JsonElement root)
    {
        if (!root.TryGetProperty("eos_token_id", out var eos))
            return [];
        return eos.ValueKind switch
        {
            JsonValueKind.Number => [JsonIds.Read(eos, "eos_token_id")],
            JsonValueKind.Array => [.. eos.EnumerateArray().Select(id => JsonIds.Read(id, "eos_token_id"))],
            _ => [],
        };
    }

    // A token is a text, or an object as added tokens have it.
    private static string? Token(JsonElement root, string name)
    {
        if (!root.TryGetProperty(name, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("content", out var content))
            value = content;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }

    private static bool? Flag(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.ValueKind == JsonValueKind.True
            : null;
}
