using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>The normalizers of a <c>tokenizer.json</c>: text to text.</summary>
internal static class Normalizers
{
    /// <summary>Reads the file's <c>normalizer</c>; null is the identity.</summary>
    public static Func<string, string>? Read(JsonElement? json)
    {
        if (json is not { ValueKind: not JsonValueKind.Null } item)
            return null;
        var type = item.GetProperty("type").GetString();
        switch (type)
        {
            case "Sequence":
                return Chain([.. item.GetProperty("normalizers").EnumerateArray().Select(n => Read(n))]);
            case "NFC":
                return UnicodeNormalizer.Nfc;
            case "NFD":
                return UnicodeNormalizer.Nfd;
            case "NFKC":
                return UnicodeNormalizer.Nfkc;
            case "NFKD":
                return UnicodeNormalizer.Nfkd;
            case "Lowercase":
                return Lowercase;
            case "StripAccents":
                return RemoveMarks;
            case "Prepend":
                var prefix = RequiredString(item, "prepend");
                return text => text.Length == 0 ? text : prefix + text;
            case "Replace":
                var pattern = SplitPattern.Read(item.GetProperty("pattern"));
                var content = RequiredString(item, "content");
                return text => text.Length == 0 ? text : pattern.Replace(text, content);
            case "Strip":
                return Strip(item.GetProperty("strip_left").GetBoolean(), item.GetProperty("strip_right").GetBoolean());
            case "Precompiled":
                return Precompiled(PrecompiledCharsmap.Read(
                    item.GetProperty("precompiled_charsmap").GetBytesFromBase64()));
            case "BertNormalizer":
                return Bert(item);
            case "ByteLevel":
                return PreTokenizers.MapBytes;
            default:
                throw new FormatException($"has the normalizer {type}, which is not supported");
        }
    }

    private static Func<string, string> Chain(Func<string, string>?[] steps) => text =>
    {
        foreach (var step in steps)
            text = step is null ? text : step(text);
        return text;
    };

    private static string RequiredString(JsonElement item, string name) =>
        item.GetProperty(name).GetString() ?? throw new FormatException($"{name} is null");

    // One letter becomes two in lower case.
    private static string Lowercase(string text) =>
        text.Replace("\u0130", "i\u0307", StringComparison.Ordinal).ToLowerInvariant();

    private static string RemoveMarks(string text) =>
        Keep(text, rune => Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark);

    private static string Keep(string text, Func<Rune, bool> isKept)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (isKept(rune))
                result.Append(rune.ToString());
        }
        return result.ToString();
    }

    private static Func<string, string> Strip(bool left, bool right) => text =>
    {
        text = left ? text.TrimStart() : text;
        return right ? text.TrimEnd() : text;
    };

    // As Hugging Face reads the map: short grapheme clusters whole, by the shortest rule that they begin
    // with.
    private static Func<string, string> Precompiled(PrecompiledCharsmap map) => text =>
    {
        var result = new StringBuilder(text.Length);
        Span<byte> utf8 = stackalloc byte[8];
        for (var at = 0; at < text.Length;)
        {
            var cluster = text.AsSpan(at, StringInfo.GetNextTextElementLength(text.AsSpan(at)));
            at += cluster.Length;
            if (Encoding.UTF8.GetByteCount(cluster) < 6
                && map.Shortest(utf8[..Encoding.UTF8.GetBytes(cluster, utf8)], out var whole) > 0)
            {
                result.Append(Encoding.UTF8.GetString(whole));
                continue;
            }
            foreach (var rune in cluster.EnumerateRunes())
            {
                if (map.Shortest(utf8[..rune.EncodeToUtf8(utf8)], out var replacement) > 0)
                    result.Append(Encoding.UTF8.GetString(replacement));
                else
                    result.Append(rune.ToString());
            }
        }
        return result.ToString();
    };

    private static Func<string, string> Bert(JsonElement item)
    {
        var cleans = item.GetProperty("clean_text").GetBoolean();
        var spacesChinese = item.GetProperty("handle_chinese_chars").GetBoolean();
        var lowers = item.GetProperty("lowercase").GetBoolean();
        var strips = item.TryGetProperty("strip_accents", out var s) && s.ValueKind != JsonValueKind.Null
            ? s.GetBoolean()
            : lowers;
        return text =>
        {
            text = cleans ? CleanText(text) : text;
            text = spacesChinese ? SpaceChinese(text) : text;
            text = strips ? RemoveMarks(UnicodeNormalizer.Nfd(text)) : text;
            return lowers ? Lowercase(text) : text;
        };
    }

    private static string CleanText(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            // Control characters go first, U+0085 and form feed too, though they are white space.
            var isLineOrTab = rune.Value is '\t' or '\n' or '\r';
            if (!isLineOrTab && (rune == Rune.ReplacementChar || IsOther(Rune.GetUnicodeCategory(rune))))
                continue;
            result.Append(Rune.IsWhiteSpace(rune) ? " " : rune.ToString());
        }
        return result.ToString();
    }

    private static bool IsOther(UnicodeCategory category) => category
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse;

    private static string SpaceChinese(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var isChinese = rune.Value is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF)
                or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F)
                or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
            result.Append(isChinese ? $" {rune} " : rune.ToString());
        }
        return result.ToString();
    }
}
