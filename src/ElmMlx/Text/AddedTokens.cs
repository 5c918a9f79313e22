using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>
/// Tokens that are found in the text before anything else happens to it (or right after normalisation).
/// </summary>
internal sealed class AddedTokens
{
    private readonly Dictionary<int, AddedToken> _byId = [];
    private readonly Dictionary<string, AddedToken> _byContent = [];
    private readonly HashSet<string> _special = [];
    private readonly Dictionary<int, string> _decoded = [];
    private readonly Matcher _raw;
    private readonly Matcher _normalized;

    private AddedTokens(List<AddedToken> tokens, Func<string, string> normalize)
    {
        foreach (var token in tokens)
        {
            _byId[token.Id] = token;
            _byContent[token.Content] = token;
            _decoded[token.Id] = token.Normalized ? normalize(token.Content) : token.Content;
            if (token.Special)
                _special.Add(token.Content);
        }
        _raw = new Matcher(tokens.Where(t => !t.Normalized).Select(t => (t.Content, t)));
        _normalized = new Matcher(tokens.Where(t => t.Normalized).Select(t => (normalize(t.Content), t)));
    }

    public sealed record AddedToken(
        int Id, string Content, bool SingleWord, bool LStrip, bool RStrip, bool Normalized, bool Special);

    /// <summary>A part of a text: an added token where <paramref name="Id"/> is not null.</summary>
    public readonly record struct Part(int Start, int End, int? Id);

    public int MaxId => _byId.Count == 0 ? -1 : _byId.Keys.Max();

    /// <param name="json">The file's <c>added_tokens</c>.</param>
    /// <param name="vocabularyId">The model's id of a text: it goes before the id that the file writes here.</param>
    /// <param name="normalize">
    /// The file's normalizer; it also sees the tokens that have <c>normalized: true</c>.
    /// </param>
    public static AddedTokens Read(JsonElement? json, Func<string, int?> vocabularyId, Func<string, string> normalize)
    {
        var tokens = new List<AddedToken>();
        foreach (var item in json?.EnumerateArray() ?? default)
        {
            var id = JsonIds.Read(item.GetProperty("id"), "an added token");
            var content = item.GetProperty("content").GetString()
                ?? throw new FormatException("an added token has no content");
            var token = new AddedToken(
                vocabularyId(content) ?? id, content, Flag(item, "single_word"), Flag(item, "lstrip"),
                Flag(item, "rstrip"), Flag(item, "normalized"), Flag(item, "special"));
            if (content.Length > 0)
                tokens.Add(token);
        }
        return new AddedTokens(tokens, normalize);
    }

    public string? Content(int id) => _byId.TryGetValue(id, out var token) ? token.Content : null;

    /// <summary>
    /// The piece that an id decodes to: where the token is found in normalised text, its normalised form.
    /// </summary>
    public string? Decoded(int id) => _decoded.GetValueOrDefault(id);

    public int? Id(string content) => _byContent.TryGetValue(content, out var token) ? token.Id : null;

    /// <summary>True for a text that is a special token's, whichever id it came from.</summary>
    public bool IsSpecial(string content) => _special.Contains(content);

    /// <summary>Cuts a text at the tokens that are looked for before, or after, normalisation.</summary>
    public List<Part> Split(string text, bool afterNormalization)
    {
        var parts = new List<Part>();
        var matcher = afterNormalization ? _normalized : _raw;
        var end = 0;
        for (var from = 0; matcher.Next(text, from, out var start, out var stop) is { } token; from = stop)
        {
            var after = stop;
            if (token.SingleWord && (EndsInWord(text.AsSpan(0, start)) || StartsWithWord(text.AsSpan(stop))))
                continue;
            if (token.LStrip)
            {
                while (start > end && char.IsWhiteSpace(text[start - 1]))
                    start--;
            }
            while (token.RStrip && after < text.Length && char.IsWhiteSpace(text[after]))
                after++;
            if (end < start)
                parts.Add(new Part(end, start, null));
            parts.Add(new Part(start, after, token.Id));
            end = after;
        }
        if (end < text.Length)
            parts.Add(new Part(end, text.Length, null));
        return parts;
    }

    private static bool Flag(JsonElement item, string name) => item.GetProperty(name).GetBoolean();

    private static bool EndsInWord(ReadOnlySpan<char> text) =>
        !text.IsEmpty && Rune.DecodeLastFromUtf16(text, out var rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        !text.IsEmpty && Rune.DecodeFromUtf16(text, out var rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool IsWord(Rune rune) => rune.Value is 0x200C or 0x200D || Rune.GetUnicodeCategory(rune)
        is <= UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation;

    /// <summary>Finds the leftmost token, of those the longest: a trie over UTF-16 units.</summary>
    private sealed class Matcher
    {
        private readonly Dictionary<ulong, int> _next = [];
        private readonly List<AddedToken?> _token = [null];
        private readonly SearchValues<char> _firstChars;

        public Matcher(IEnumerable<(string Pattern, AddedToken Token)> tokens)
        {
            var first = new HashSet<char>();
            foreach (var (pattern, token) in tokens.Where(t => t.Pattern.Length > 0))
            {
                first.Add(pattern[0]);
                var node = 0;
                foreach (var c in pattern)
                {
                    var key = ((ulong)node << 16) | c;
                    if (!_next.TryGetValue(key, out var child))
                    {
                        child = _token.Count;
                        _token.Add(null);
                        _next.Add(key, child);
                    }
                    node = child;
                }
                _token[node] ??= token;
            }
            _firstChars = SearchValues.Create([.. first]);
        }

        public AddedToken? Next(string text, int from, out int start, out int stop)
        {
            for (start = from; start < text.Length; start++)
            {
                var skip = text.AsSpan(start).IndexOfAny(_firstChars);
                if (skip < 0)
                    break;
                start += skip;
                AddedToken? found = null;
                stop = start;
                for (int at = start, node = 0;
                    at < text.Length && _next.TryGetValue(((ulong)node << 16) | text[at], out node);
                    at++)
                {
                    if (_token[node] is { } token)
                        (found, stop) = (token, at + 1);
                }
                if (found is not null)
                    return found;
            }
            start = stop = text.Length;
            return null;
        }
    }
}
