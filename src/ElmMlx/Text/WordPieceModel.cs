using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>A word as the longest pieces from its front; all but the first carry a prefix.</summary>
internal sealed class WordPieceModel : TokenModel
{
    // Trying every length at every place is quadratic in a word's length.
    private const long MaxWordChars = 4096;

    private readonly string _unknownToken;
    private readonly string _prefix;
    private readonly long _maxWordChars;
    private readonly int _maxPieceChars;

    private WordPieceModel(Dictionary<string, int> vocabulary, string unknownToken, string prefix, long maxWordChars)
        : base(vocabulary)
    {
        (_unknownToken, _prefix, _maxWordChars) = (unknownToken, prefix, Math.Min(maxWordChars, MaxWordChars));
        _maxPieceChars = vocabulary.Keys.Select(p => p.Length).DefaultIfEmpty(0).Max();
    }

    public override string? UnknownToken => _unknownToken;

    public static WordPieceModel Read(JsonElement json) => new(
        ReadVocabulary(json),
        OptionalString(json, "unk_token") ?? "[UNK]",
        OptionalString(json, "continuing_subword_prefix") ?? "##",
        json.TryGetProperty("max_input_chars_per_word", out var max) ? max.GetInt64() : 100);

    public override void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        var count = ids.Count;
        if (CharCount(word) <= _maxWordChars && TryEncode(word, ids))
            return;
        ids.RemoveRange(count, ids.Count - count);
        if (!TryGetId(_unknownToken, out var unknown))
            throw new InvalidDataException($"the unk_token {_unknownToken} is not in the vocabulary");
        ids.Add(unknown);
    }

    private bool TryEncode(ReadOnlySpan<char> word, List<int> ids)
    {
        var piece = new char[_maxPieceChars];
        for (var start = 0; start < word.Length;)
        {
            var prefix = start == 0 ? "" : _prefix;
            var end = Math.Min(word.Length, start + _maxPieceChars - prefix.Length);
            var id = -1;
            for (; end > start; end--)
            {
                prefix.CopyTo(piece);
                word[start..end].CopyTo(piece.AsSpan(prefix.Length));
                if (TryGetId(piece.AsSpan(0, prefix.Length + end - start), out id))
                    break;
                id = -1;
            }
            if (id < 0)
                return false;
            ids.Add(id);
            start = end;
        }
        return true;
    }

    private static int CharCount(ReadOnlySpan<char> word)
    {
        var count = 0;
        foreach (var c in word)
            count += char.IsLowSurrogate(c) ? 0 : 1;
        return count;
    }
}
