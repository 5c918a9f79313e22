using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ElmMlx.Text;

/// <summary>
/// A pattern of a <c>tokenizer.json</c>: a literal or a regular expression. Those files mean Oniguruma's dialect over
/// code points; .NET's engine works on UTF-16, so a character outside the BMP is matched as one of its category.
/// </summary>
internal sealed class SplitPattern
{
    private const int MaxPatternChars = 20_000;
    private const int MaxPatternDepth = 200;
    private const int MaxReplacedChars = 1 << 28;
    private static readonly TimeSpan MatchTimeout = TimeSpan.FromSeconds(2);

    private readonly string? _literal;
    private readonly Regex? _regex;

    private SplitPattern(string? literal, Regex? regex) => (_literal, _regex) = (literal, regex);

    public static SplitPattern Literal(string text) => new(text, null);

    public static SplitPattern FromRegex(string pattern) =>
        new(null, WellKnownPatterns.Find(pattern) ?? Compile(pattern));

    /// <summary>Reads <c>{"String": …}</c> or <c>{"Regex": …}</c>.</summary>
    public static SplitPattern Read(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.Object && json.TryGetProperty("String", out var literal))
            return Literal(literal.GetString() ?? throw new FormatException("a pattern's String is null"));
        if (json.ValueKind == JsonValueKind.Object && json.TryGetProperty("Regex", out var regex))
            return FromRegex(regex.GetString() ?? throw new FormatException("a pattern's Regex is null"));
        throw new FormatException("a pattern is neither a String nor a Regex");
    }

    /// <summary>Tells <paramref name="sink"/> of every match in order, none overlapping.</summary>
    public void Find<TSink>(ReadOnlySpan<char> text, ref TSink sink)
        where TSink : IMatchSink, allows ref struct
    {
        if (_literal is not null)
            FindLiteral(text, ref sink);
        else if (text.IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
            FindRegex(text, ref sink, null);
        else
            FindRegex(ToBmp(text, out var starts), ref sink, starts);
    }

    /// <summary>The text with every match replaced.</summary>
    public string Replace(string text, string content)
    {
        if (_literal is { Length: > 0 } && (long)text.Length * content.Length < MaxReplacedChars)
            return text.Replace(_literal, content, StringComparison.Ordinal);
        var replacer = new Replacer(text, content);
        Find(text, ref replacer);
        return replacer.Finish();
    }

    private void FindLiteral<TSink>(ReadOnlySpan<char> text, ref TSink sink)
        where TSink : IMatchSink, allows ref struct
    {
        if (_literal!.Length == 0)
        {
            // An empty text stands before every character and after the last.
            for (var i = 0; i <= text.Length; i++)
            {
                if (i == text.Length || !char.IsLowSurrogate(text[i]))
                    sink.Match(i, 0);
            }
            return;
        }
        for (var from = 0; text[from..].IndexOf(_literal) is >= 0 and var at; from += at + _literal.Length)
            sink.Match(from + at, _literal.Length);
    }

    private void FindRegex<TSink>(ReadOnlySpan<char> text, ref TSink sink, int[]? starts)
        where TSink : IMatchSink, allows ref struct
    {
        try
        {
            var lastEnd = -1;
            foreach (var match in _regex!.EnumerateMatches(text))
            {
                // An empty match right after a match is none in Oniguruma.
                if (match.Length == 0 && match.Index == lastEnd)
                    continue;
                lastEnd = match.Index + match.Length;
                if (starts is null)
                    sink.Match(match.Index, match.Length);
                else
                    sink.Match(starts[match.Index], starts[lastEnd] - starts[match.Index]);
            }
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new InvalidDataException(
                $"the pattern {Shorten(e.Pattern)} takes too long on this text; use another tokenizer.json", e);
        }
    }

    private static Regex Compile(string pattern)
    {
        var translated = OnigurumaSyntax.Translate(pattern, MaxPatternChars, MaxPatternDepth);
        // In Oniguruma ^ and $ stand at every line.
        const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.Multiline;
        try
        {
            return new Regex(translated, Options | RegexOptions.NonBacktracking);
        }
        catch (NotSupportedException)
        {
            return new Regex(translated, Options, MatchTimeout);
        }
        catch (RegexParseException e)
        {
            throw new FormatException($"the pattern {Shorten(pattern)} does not parse: {e.Message}", e);
        }
    }

    private static string Shorten(string pattern) => pattern.Length <= 60 ? pattern : pattern[..60] + "…";

    // One UTF-16 unit a character; starts[i] is where unit i stands in the text.
    private static char[] ToBmp(ReadOnlySpan<char> text, out int[] starts)
    {
        var units = new char[text.Length];
        starts = new int[text.Length + 1];
        var count = 0;
        for (var i = 0; i < text.Length; i++)
        {
            starts[count] = i;
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                units[count++] = SameCategory(char.ConvertToUtf32(text[i], text[i + 1]));
                i++;
            }
            else
            {
                units[count++] = text[i];
            }
        }
        starts[count] = text.Length;
        Array.Resize(ref units, count);
        return units;
    }

    private static char SameCategory(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
    {
        UnicodeCategory.UppercaseLetter => '\uA640',
        UnicodeCategory.LowercaseLetter => '\uA641',
        UnicodeCategory.TitlecaseLetter => '\u1F88',
        UnicodeCategory.ModifierLetter => '\uA67F',
        UnicodeCategory.OtherLetter => '\uA000',
        UnicodeCategory.NonSpacingMark => '\uA66F',
        UnicodeCategory.SpacingCombiningMark => '\uA823',
        UnicodeCategory.EnclosingMark => '\uA670',
        UnicodeCategory.DecimalDigitNumber => '\uA620',
        UnicodeCategory.LetterNumber => '\uA6E6',
        UnicodeCategory.OtherNumber => '\uA830',
        UnicodeCategory.DashPunctuation => '\uFE58',
        UnicodeCategory.OpenPunctuation => '\uFE59',
        UnicodeCategory.ClosePunctuation => '\uFE5A',
        UnicodeCategory.OtherPunctuation => '\uA60D',
        UnicodeCategory.MathSymbol => '\uFE62',
        UnicodeCategory.CurrencySymbol => '\uA838',
        UnicodeCategory.ModifierSymbol => '\uA700',
        UnicodeCategory.OtherSymbol => '\uA828',
        UnicodeCategory.Format => '\u2064',
        UnicodeCategory.PrivateUse => '\uE000',
        _ => '\uFFFF',
    };

    private struct Replacer(string text, string content) : IMatchSink
    {
        private readonly StringBuilder _result = new(text.Length);
        private int _end;

        public void Match(int start, int length)
        {
            if (_result.Length + (start - _end) + content.Length > MaxReplacedChars)
                throw new InvalidDataException(
                    $"a replacement makes more than {MaxReplacedChars} characters of this text");
            _result.Append(text, _end, start - _end).Append(content);
            _end = start + length;
        }

        public readonly string Finish() => _result.Append(text, _end, text.Length - _end).ToString();
    }
}
