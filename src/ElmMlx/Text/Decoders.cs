using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>The decoders of a <c>tokenizer.json</c>: pieces to pieces, joined at the end.</summary>
internal static class Decoders
{
    /// <summary>Reads the file's <c>decoder</c>; null joins the pieces with spaces.</summary>
    public static Func<List<string>, List<string>>? Read(JsonElement? json)
    {
        if (json is not { ValueKind: not JsonValueKind.Null } item)
            return null;
        var type = item.GetProperty("type").GetString();
        switch (type)
        {
            case "Sequence":
                var steps = item.GetProperty("decoders").EnumerateArray().Select(d => Read(d)).ToArray();
                return pieces => steps.Aggregate(pieces, (now, step) => step is null ? now : step(now));
            case "Replace":
                var pattern = SplitPattern.Read(item.GetProperty("pattern"));
                var content = item.GetProperty("content").GetString() ?? "";
                return pieces => pieces.ConvertAll(p => p.Length == 0 ? p : pattern.Replace(p, content));
            case "ByteFallback":
                return ByteFallback;
            case "Fuse":
                return pieces => [string.Concat(pieces)];
            case "Strip":
                return Strip(item);
            case "ByteLevel":
                return ByteLevel;
            case "Metaspace":
                var replacement = PreTokenizers.MetaspaceReplacement(item);
                return Metaspace(replacement, PreTokenizers.PrependScheme(item) != "never");
            case "WordPiece":
                return WordPiece(
                    item.GetProperty("prefix").GetString() ?? "##", item.GetProperty("cleanup").GetBoolean());
            case "BPEDecoder":
                var suffix = item.GetProperty("suffix").GetString() ?? "</w>";
                return pieces => [.. pieces.Select((p, i) =>
                    suffix.Length == 0
                        ? p
                        : p.Replace(suffix, i == pieces.Count - 1 ? "" : " ", StringComparison.Ordinal))];
            default:
                throw new FormatException($"has the decoder {type}, which is not supported");
        }
    }

    /// <summary>Reads a byte piece's name, for example <c>&lt;0x0A&gt;</c>.</summary>
    public static bool TryGetByte(string piece, out byte value)
    {
        value = 0;
        return piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
            && byte.TryParse(piece.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, null, out value);
    }

    // A run of byte pieces is text as a whole, or every byte of it reads as U+FFFD.
    private static List<string> ByteFallback(List<string> pieces)
    {
        var result = new List<string>(pieces.Count);
        var pending = new List<byte>();
        foreach (var piece in pieces)
        {
            if (TryGetByte(piece, out var value))
            {
                pending.Add(value);
                continue;
            }
            FlushBytes(pending, result);
            result.Add(piece);
        }
        FlushBytes(pending, result);
        return result;
    }

    private static void FlushBytes(List<byte> pending, List<string> result)
    {
        if (pending.Count == 0)
            return;
        var bytes = pending.ToArray();
        result.Add(System.Text.Unicode.Utf8.IsValid(bytes)
            ? Encoding.UTF8.GetString(bytes)
            : new string('\uFFFD', bytes.Length));
        pending.Clear();
    }

    private static Func<List<string>, List<string>> Strip(JsonElement item)
    {
        var content = item.GetProperty("content").GetString();
        if (content?.Length != 1)
            throw new FormatException($"the Strip decoder has the content \"{content}\"; it takes one character");
        var (c, start, stop) =
            (content[0], item.GetProperty("start").GetUInt64(), item.GetProperty("stop").GetUInt64());
        return pieces => pieces.ConvertAll(piece =>
        {
            int from = 0, to = piece.Length;
            while (from < piece.Length && (ulong)from < start && piece[from] == c)
                from++;
            while (to > from && (ulong)(piece.Length - to) < stop && piece[to - 1] == c)
                to--;
            return piece[from..to];
        });
    }

    private static List<string> ByteLevel(List<string> pieces)
    {
        var bytes = new List<byte>();
        foreach (var piece in pieces)
        {
            var count = bytes.Count;
            foreach (var rune in piece.EnumerateRunes())
            {
                if (ByteAlphabet.TryGetByte(rune, out var value))
                {
                    bytes.Add(value);
                    continue;
                }
                // Not of the alphabet (an added token): the piece stands for itself.
                bytes.RemoveRange(count, bytes.Count - count);
                bytes.AddRange(Encoding.UTF8.GetBytes(piece));
                break;
            }
        }
        return [Encoding.UTF8.GetString(bytes.ToArray())];
    }

    private static Func<List<string>, List<string>> Metaspace(char replacement, bool dropsFirst) => pieces =>
        [.. pieces.Select((piece, i) => i == 0 && dropsFirst
            ? piece.Replace(replacement.ToString(), "", StringComparison.Ordinal)
            : piece.Replace(replacement, ' '))];

    private static Func<List<string>, List<string>> WordPiece(string prefix, bool cleansUp) => pieces =>
        [.. pieces.Select((piece, i) =>
        {
            if (i > 0)
                piece = piece.StartsWith(prefix, StringComparison.Ordinal) ? piece[prefix.Length..] : " " + piece;
            return cleansUp ? CleanUp(piece) : piece;
        })];

    private static string CleanUp(string text) => text
        .Replace(" .", ".").Replace(" ?", "?").Replace(" !", "!").Replace(" ,", ",").Replace(" ' ", "'")
        .Replace(" n't", "n't").Replace(" 'm", "'m").Replace(" do not", " don't").Replace(" 's", "'s")
        .Replace(" 've", "'ve").Replace(" 're", "'re");
}
