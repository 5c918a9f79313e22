using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>The pre-tokenizers of a <c>tokenizer.json</c>: a text to the words that the model sees.</summary>
internal static class PreTokenizers
{
    /// <summary>Takes a word. <paramref name="isFirst"/>: it begins where the caller's text begins.</summary>
    public delegate void WordSink(ReadOnlySpan<char> word, bool isFirst);

    /// <summary>Cuts a text and hands every word on, so that no list of all words is ever made.</summary>
    public delegate void Splitter(ReadOnlySpan<char> text, bool isFirst, WordSink words);

    /// <summary>Reads the file's <c>pre_tokenizer</c>; null leaves the text whole.</summary>
    public static Splitter? Read(JsonElement? json)
    {
        if (json is not { ValueKind: not JsonValueKind.Null } item)
            return null;
        var type = item.GetProperty("type").GetString();
        switch (type)
        {
            case "Sequence":
                return Chain([.. item.GetProperty("pretokenizers").EnumerateArray().Select(p => Read(p))]);
            case "ByteLevel":
                var usesRegex = !item.TryGetProperty("use_regex", out var regex) || regex.GetBoolean();
                return ByteLevel(item.GetProperty("add_prefix_space").GetBoolean(), usesRegex);
            case "Metaspace":
                return Metaspace(MetaspaceReplacement(item), PrependScheme(item),
                    !item.TryGetProperty("split", out var split) || split.GetBoolean());
            case "Split":
                return Split(SplitPattern.Read(item.GetProperty("pattern")), Behavior(item.GetProperty("behavior")),
                    item.TryGetProperty("invert", out var invert) && invert.GetBoolean());
            case "Whitespace":
                return Split(SplitPattern.FromRegex(@"\w+|[^\w\s]+"), SplitBehavior.Removed, invert: true);
            case "WhitespaceSplit":
                return SplitBy(Rune.IsWhiteSpace, SplitBehavior.Removed);
            case "BertPreTokenizer":
                return Chain(
                    SplitBy(Rune.IsWhiteSpace, SplitBehavior.Removed), SplitBy(IsPunctuation, SplitBehavior.Isolated));
            case "Punctuation":
                return SplitBy(IsPunctuation,
                    item.TryGetProperty("behavior", out var behavior) ? Behavior(behavior) : SplitBehavior.Isolated);
            case "Digits":
                var each = item.TryGetProperty("individual_digits", out var digits) && digits.GetBoolean();
                return SplitBy(IsNumeric, each ? SplitBehavior.Isolated : SplitBehavior.Contiguous);
            case "CharDelimiterSplit":
                var delimiter = item.GetProperty("delimiter").GetString() ?? "";
                return Split(SplitPattern.Literal(delimiter), SplitBehavior.Removed, invert: false);
            default:
                throw new FormatException($"has the pre-tokenizer {type}, which is not supported");
        }
    }

    /// <summary><c>▁</c> or what the file takes for it; one character.</summary>
    public static char MetaspaceReplacement(JsonElement item)
    {
        var text = item.GetProperty("replacement").GetString();
        return text?.Length == 1
            ? text[0]
            : throw new FormatException($"Metaspace has the replacement \"{text}\"; it takes one character");
    }

    /// <summary>
    /// <c>first</c>, <c>never</c> or <c>always</c>; older files say <c>add_prefix_space</c>.
    /// </summary>
    public static string PrependScheme(JsonElement item)
    {
        var scheme = item.TryGetProperty("prepend_scheme", out var s) ? s.GetString() : null;
        if (scheme is null)
            return item.TryGetProperty("add_prefix_space", out var add) && !add.GetBoolean() ? "never" : "always";
        return scheme is "first" or "never" or "always"
            ? scheme
            : throw new FormatException($"Metaspace has the prepend_scheme {scheme}; it is first, never or always");
    }

    /// <summary>Metaspace: spaces become <paramref name="replacement"/>, one more goes in front.</summary>
    public static Splitter Metaspace(char replacement, string prependScheme, bool splits)
    {
        var splitter = Split(SplitPattern.Literal(replacement.ToString()), SplitBehavior.MergedWithNext, invert: false);
        return (text, isFirst, words) =>
        {
            if (text.IsEmpty)
                return;
            var whole = text.ToString().Replace(' ', replacement);
            var prepends = prependScheme == "always" || (prependScheme == "first" && isFirst);
            if (prepends && whole[0] != replacement)
                whole = replacement + whole;
            if (splits)
                splitter(whole, isFirst, words);
            else
                words(whole, isFirst);
        };
    }

    /// <summary>Every byte of the text's UTF-8 as its character.</summary>
    public static string MapBytes(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        return string.Create(utf8.Length, utf8, (chars, bytes) =>
        {
            for (var i = 0; i < bytes.Length; i++)
                chars[i] = ByteAlphabet.All[bytes[i]];
        });
    }

    private static Splitter ByteLevel(bool addsPrefixSpace, bool usesRegex)
    {
        var splitter = Split(WellKnownPatterns.Gpt2Split, SplitBehavior.Isolated, invert: false);
        return (text, isFirst, words) =>
        {
            if (text.IsEmpty)
                return;
            if (addsPrefixSpace && text[0] != ' ')
                text = $" {text}";
            if (usesRegex)
                splitter(text, isFirst, (word, isFirstWord) => MapWord(word, isFirstWord, words));
            else
                MapWord(text, isFirst, words);
        };
    }

    private static void MapWord(ReadOnlySpan<char> word, bool isFirst, WordSink words)
    {
        const int MaxStackBytes = 192;
        if (word.Length > MaxStackBytes / 3)
        {
            words(MapBytes(word.ToString()), isFirst);
            return;
        }
        Span<byte> utf8 = stackalloc byte[MaxStackBytes];
        utf8 = utf8[..Encoding.UTF8.GetBytes(word, utf8)];
        Span<char> mapped = stackalloc char[utf8.Length];
        for (var i = 0; i < utf8.Length; i++)
            mapped[i] = ByteAlphabet.All[utf8[i]];
        words(mapped, isFirst);
    }

    private static Splitter Chain(params Splitter?[] steps)
    {
        Splitter? whole = null;
        foreach (var step in steps)
        {
            if (step is null)
                continue;
            if (whole is not { } first)
                whole = step;
            else
                whole = (text, isFirst, words) =>
                    first(text, isFirst, (part, isFirstPart) => step(part, isFirstPart, words));
        }
        return whole ?? ((text, isFirst, words) => words(text, isFirst));
    }

    private static SplitBehavior Behavior(JsonElement json) => json.GetString() switch
    {
        "Removed" or "removed" => SplitBehavior.Removed,
        "Isolated" or "isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" or "merged_with_previous" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" or "merged_with_next" => SplitBehavior.MergedWithNext,
        "Contiguous" or "contiguous" => SplitBehavior.Contiguous,
        var other => throw new FormatException($"a pre-tokenizer has the behavior {other}, which is not known"),
    };

    private static Splitter Split(SplitPattern pattern, SplitBehavior behavior, bool invert) =>
        (text, isFirst, words) =>
        {
            var cutter = new SplitCutter(text, isFirst, behavior, invert, words);
            pattern.Find(text, ref cutter);
            cutter.Finish();
        };

    private static Splitter SplitBy(Func<Rune, bool> isDelimiter, SplitBehavior behavior) => (text, isFirst, words) =>
    {
        var cutter = new SplitCutter(text, isFirst, behavior, invert: false, words);
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (isDelimiter(rune))
                cutter.Match(at, rune.Utf16SequenceLength);
            at += rune.Utf16SequenceLength;
        }
        cutter.Finish();
    };

    private static bool IsPunctuation(Rune rune) => rune.IsAscii
        ? char.IsAscii((char)rune.Value) && (char.IsPunctuation((char)rune.Value) || char.IsSymbol((char)rune.Value))
        : Rune.IsPunctuation(rune);

    private static bool IsNumeric(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;
}
