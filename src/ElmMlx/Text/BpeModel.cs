using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>
/// Byte-pair encoding by a list of merges: the merge that stands first in the list goes first.
/// </summary>
internal sealed class BpeModel : TokenModel
{
    private const uint SpaceCharacter = 0x2581;

    private readonly Dictionary<ulong, (int Rank, int Id)> _merges;
    private readonly Options _options;
    private readonly int[]? _byteIds;
    private readonly PieceBoundaries? _boundaries;
    private readonly WordCache _cache = new();
    [ThreadStatic]
    private static BpeWord? s_word;

    private BpeModel(
        Dictionary<string, int> vocabulary, Dictionary<ulong, (int Rank, int Id)> merges, Options options)
        : base(vocabulary)
    {
        (_merges, _options) = (merges, options);
        _byteIds = options.ByteFallback ? ByteIds(vocabulary) : null;
        _boundaries = FindBoundaries();
    }

    private sealed record Options(
        string? UnknownToken, string? Prefix, string? Suffix, bool FusesUnknown, bool ByteFallback, bool IgnoresMerges);

    public override string? UnknownToken => _options.UnknownToken;

    public bool HasByteFallback => _options.ByteFallback;

    public static new BpeModel Read(JsonElement json, bool ignoresUnknown)
    {
        if (json.TryGetProperty("dropout", out var dropout) && dropout.ValueKind != JsonValueKind.Null
            && dropout.GetDouble() != 0)
            throw new FormatException(
                $"has a dropout of {dropout.GetRawText()}, so every encoding would differ; set it to null");
        var options = new Options(
            ignoresUnknown ? null : OptionalString(json, "unk_token"),
            OptionalString(json, "continuing_subword_prefix"), OptionalString(json, "end_of_word_suffix"),
            OptionalFlag(json, "fuse_unk"), OptionalFlag(json, "byte_fallback"), OptionalFlag(json, "ignore_merges"));
        var vocabulary = ReadVocabulary(json);
        if (!json.TryGetProperty("merges", out var merges) || merges.ValueKind != JsonValueKind.Array)
            throw new FormatException("has a BPE model without merges");
        return new BpeModel(vocabulary, ReadMerges(merges, vocabulary, options.Prefix), options);
    }

    /// <summary>
    /// The ids of the pieces <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>; -1 where there is none.
    /// </summary>
    public static int[] ByteIds(Dictionary<string, int> vocabulary) =>
        [.. Enumerable.Range(0, 256).Select(b => vocabulary.GetValueOrDefault($"<0x{b:X2}>", -1))];

    public override void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        if (_options.IgnoresMerges && TryGetId(word, out var whole))
        {
            ids.Add(whole);
            return;
        }
        if (_boundaries is null)
        {
            EncodeWord(word, ids);
            return;
        }
        var start = 0;
        uint previous = 0;
        for (var at = 0; at < word.Length;)
        {
            var next = Character(word[at..], out var length);
            if (at > start && !_boundaries.CanJoin(previous, next))
            {
                EncodeWord(word[start..at], ids);
                start = at;
            }
            previous = next;
            at += length;
        }
        EncodeWord(word[start..], ids);
    }

    private static Dictionary<ulong, (int Rank, int Id)> ReadMerges(
        JsonElement json, Dictionary<string, int> vocabulary, string? prefix)
    {
        var merges = new Dictionary<ulong, (int, int)>(json.GetArrayLength());
        var rank = 0;
        JsonValueKind? kind = null;
        foreach (var item in json.EnumerateArray())
        {
            if (item.ValueKind is not (JsonValueKind.String or JsonValueKind.Array)
                || (kind ?? item.ValueKind) != item.ValueKind)
                throw new FormatException($"merge {rank} is neither a text nor a pair as the others");
            kind = item.ValueKind;
            string[] pair;
            if (kind == JsonValueKind.String)
            {
                var line = item.GetString()!;
                if (line.StartsWith("#version", StringComparison.Ordinal))
                    continue;
                pair = line.Split(' ');
            }
            else
            {
                pair = [.. item.EnumerateArray().Select(p => p.GetString() ?? "")];
            }
            if (pair.Length != 2)
                throw new FormatException($"merge {rank} has {pair.Length} pieces; a merge has two");
            var right = prefix is { Length: > 0 } && pair[1].Length >= prefix.Length
                ? pair[1][prefix.Length..]
                : pair[1];
            merges[Key(Id(pair[0]), Id(pair[1]))] = (rank, Id(pair[0] + right));
            rank++;
        }
        return merges;

        int Id(string piece) => vocabulary.TryGetValue(piece, out var id)
            ? id
            : throw new FormatException($"merge {rank} needs the piece \"{piece}\", which is not in the vocabulary");
    }

    private static ulong Key(int left, int right) => ((ulong)left << 32) | (uint)right;

    private void EncodeWord(ReadOnlySpan<char> word, List<int> ids)
    {
        var key = MemoryMarshal.AsBytes(word);
        if (key.Length > WordCache.MaxWordBytes)
        {
            Merge(word, ids);
            return;
        }
        var hash = WordCache.Hash(key);
        if (!_cache.TryGet(key, hash, out var cached))
        {
            var fresh = new List<int>();
            Merge(word, fresh);
            _cache.Set(key, hash, CollectionsMarshal.AsSpan(fresh));
            cached = CollectionsMarshal.AsSpan(fresh);
        }
        ids.AddRange(cached);
    }

    private void Merge(ReadOnlySpan<char> word, List<int> ids)
    {
        var symbols = s_word ??= new BpeWord();
        symbols.Clear();
        AddSymbols(word, symbols);
        symbols.Merge(_merges);
        symbols.AppendTo(ids);
        if (word.Length > BpeWord.MaxKeptSymbols)
            s_word = null;
    }

    private void AddSymbols(ReadOnlySpan<char> word, BpeWord symbols)
    {
        int? pendingUnknown = null;
        for (var at = 0; at < word.Length;)
        {
            Character(word[at..], out var length);
            var character = word.Slice(at, length);
            var isFirst = at == 0;
            at += length;
            if (TryGetSymbol(character, isFirst, at == word.Length, out var id))
            {
                if (pendingUnknown is int unknown)
                    symbols.Add(unknown);
                pendingUnknown = null;
                symbols.Add(id);
                continue;
            }
            if (TryAddBytes(character, symbols) || _options.UnknownToken is null)
                continue;
            if (pendingUnknown is int previous && !_options.FusesUnknown)
                symbols.Add(previous);
            if (!TryGetId(_options.UnknownToken, out var unk))
                throw new InvalidDataException(
                    $"the unk_token {_options.UnknownToken} is not in the vocabulary");
            pendingUnknown = unk;
        }
        if (pendingUnknown is int last)
            symbols.Add(last);
    }

    private bool TryGetSymbol(ReadOnlySpan<char> character, bool isFirst, bool isLast, out int id)
    {
        if ((isFirst || _options.Prefix is null) && (!isLast || _options.Suffix is null))
            return TryGetId(character, out id);
        return TryGetId(
            (isFirst ? "" : _options.Prefix) + character.ToString() + (isLast ? _options.Suffix : ""), out id);
    }

    private bool TryAddBytes(ReadOnlySpan<char> character, BpeWord symbols)
    {
        if (_byteIds is null)
            return false;
        Span<byte> utf8 = stackalloc byte[4];
        utf8 = utf8[..Encoding.UTF8.GetBytes(character, utf8)];
        foreach (var b in utf8)
        {
            if (_byteIds[b] < 0)
                return false;
        }
        foreach (var b in utf8)
            symbols.Add(_byteIds[b]);
        return true;
    }

    // Cutting is safe only where every character has ids of its own and merges join nothing but
    // neighbouring text.
    private PieceBoundaries? FindBoundaries()
    {
        if (_byteIds is null || Array.IndexOf(_byteIds, -1) >= 0 || _options.IgnoresMerges
            || _options.Prefix is not null || _options.Suffix is not null)
            return null;
        var boundaries = new PieceBoundaries(SpaceCharacter);
        var bytes = _byteIds.ToHashSet();
        foreach (var (key, (_, result)) in _merges)
        {
            if (bytes.Contains((int)(key >> 32)) || bytes.Contains((int)(uint)key) || Piece(result) is not { } piece)
                return null;
            ReadOnlySpan<char> rest = piece;
            if (rest.IsEmpty)
                return null;
            var previous = Character(rest, out var length);
            for (rest = rest[length..]; !rest.IsEmpty; rest = rest[length..])
            {
                var next = Character(rest, out length);
                boundaries.Add(previous, next);
                previous = next;
            }
        }
        return boundaries;
    }

    private static uint Character(ReadOnlySpan<char> text, out int length)
    {
        if (!char.IsHighSurrogate(text[0]) || text.Length < 2)
        {
            length = 1;
            return text[0];
        }
        length = 2;
        return ((uint)text[0] << 16) | text[1];
    }
}
