using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>The model of a <c>tokenizer.json</c>: a word to ids, and ids to pieces.</summary>
internal abstract class TokenModel
{
    private readonly Dictionary<int, string> _pieces = [];
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _ids;

    protected TokenModel(Dictionary<string, int> vocabulary)
    {
        Vocabulary = vocabulary;
        _ids = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var (piece, id) in vocabulary)
        {
            _pieces.TryAdd(id, piece);
            MaxId = Math.Max(MaxId, id);
        }
    }

    public int MaxId { get; } = -1;

    public int Count => Vocabulary.Count;

    protected Dictionary<string, int> Vocabulary { get; }

    /// <summary>The text that stands for unknown words, where the model has one.</summary>
    public abstract string? UnknownToken { get; }

    /// <summary>Appends the ids of a word that is not empty.</summary>
    public abstract void Encode(ReadOnlySpan<char> word, List<int> ids);

    public string? Piece(int id) => _pieces.GetValueOrDefault(id);

    public bool TryGetId(ReadOnlySpan<char> piece, out int id) => _ids.TryGetValue(piece, out id);

    public static TokenModel Read(JsonElement json, bool ignoresUnknown)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw new FormatException("has a model that is not an object");
        var type = json.TryGetProperty("type", out var t) ? t.GetString() : GuessType(json);
        return type switch
        {
            "BPE" => BpeModel.Read(json, ignoresUnknown),
            "Unigram" => UnigramModel.Read(json),
            "WordPiece" => WordPieceModel.Read(json),
            "WordLevel" => new WordLevelModel(ReadVocabulary(json), json.GetProperty("unk_token").GetString() ?? ""),
            _ => throw new FormatException(
                $"has the model type {type}; BPE, Unigram, WordPiece and WordLevel are supported"),
        };
    }

    protected static Dictionary<string, int> ReadVocabulary(JsonElement model)
    {
        if (!model.TryGetProperty("vocab", out var vocab) || vocab.ValueKind != JsonValueKind.Object)
            throw new FormatException("has a model whose vocab is not an object of pieces and ids");
        var ids = new Dictionary<string, int>();
        foreach (var entry in vocab.EnumerateObject())
            ids[entry.Name] = JsonIds.Read(entry.Value, $"the piece \"{entry.Name}\"");
        return ids;
    }

    protected static string? OptionalString(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetString() : null;

    protected static bool OptionalFlag(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null && value.GetBoolean();

    // The first files had no type.
    private static string? GuessType(JsonElement json) =>
        json.TryGetProperty("merges", out _) ? "BPE"
        : json.TryGetProperty("continuing_subword_prefix", out _) ? "WordPiece"
        : json.TryGetProperty("unk_id", out _) ? "Unigram"
        : null;
}
