using System.Globalization;
using System.Numerics;
using System.Text;

namespace ElmMlx.Text.Jinja;

/// <summary>Texts and numbers as Python counts and prints them.</summary>
internal static class PythonText
{
    /// <summary>Python's <c>str.isspace</c> of one character.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    public static ReadOnlySpan<char> TrimEnd(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty && IsSpace(text[^1]))
            text = text[..^1];
        return text;
    }

    public static ReadOnlySpan<char> TrimStart(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty && IsSpace(text[0]))
            text = text[1..];
        return text;
    }

    public static string Trim(string text) => TrimEnd(TrimStart(text)).ToString();

    /// <summary>The number of code points.</summary>
    public static int Length(string text)
    {
        var pairs = 0;
        for (var i = 1; i < text.Length; i++)
            if (char.IsSurrogatePair(text[i - 1], text[i]))
                pairs++;
        return text.Length - pairs;
    }

    /// <summary>Where a code point begins, in characters; the length for one behind the end.</summary>
    public static int Offset(string text, int codePoint)
    {
        var i = 0;
        for (; codePoint > 0 && i < text.Length; codePoint--)
            i += IsPair(text, i) ? 2 : 1;
        return i;
    }

    /// <summary>Every code point as a text.</summary>
    public static object?[] CodePoints(string text)
    {
        var points = new object?[Length(text)];
        for (int i = 0, n = 0; n < points.Length; n++)
        {
            var length = IsPair(text, i) ? 2 : 1;
            points[n] = text.Substring(i, length);
            i += length;
        }
        return points;
    }

    /// <summary>Python's order: by code point.</summary>
    public static int Compare(string left, string right)
    {
        var common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
            return left.Length.CompareTo(right.Length);
        // Surrogates stand above the rest of the basic plane.
        var (a, b) = (left[common], right[common]);
        return char.IsSurrogate(a) == char.IsSurrogate(b) ? a.CompareTo(b) : char.IsSurrogate(a) ? 1 : -1;
    }

    /// <summary>Python's <c>repr</c> of a text.</summary>
    public static string Quote(string text)
    {
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        var result = new StringBuilder().Append(quote);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (IsPair(text, i))
            {
                var isShown = IsPrintable(CharUnicodeInfo.GetUnicodeCategory(text, i));
                var value = char.ConvertToUtf32(c, text[++i]);
                result.Append(isShown ? char.ConvertFromUtf32(value) : $"\\U{value:x8}");
            }
            else if (c == quote || c == '\\')
                result.Append('\\').Append(c);
            else if (c is '\n' or '\r' or '\t')
                result.Append(c switch { '\n' => "\\n", '\r' => "\\r", _ => "\\t" });
            else if (c == ' ' || IsPrintable(char.GetUnicodeCategory(c)))
                result.Append(c);
            else
                result.Append(c < 0x100 ? $"\\x{(int)c:x2}" : $"\\u{(int)c:x4}");
        }
        return result.Append(quote).ToString();
    }

    /// <summary>Python's <c>repr</c> of a number: the shortest digits that give it back.</summary>
    public static string Number(double value)
    {
        if (!double.IsFinite(value))
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        var text = value.ToString("E16", CultureInfo.InvariantCulture);
        var shortest = value.ToString("R", CultureInfo.InvariantCulture);
        var sign = shortest[0] == '-' ? "-" : "";
        var mantissa = shortest.TrimStart('-').Split('E')[0];
        var digits = mantissa.Replace(".", "").TrimStart('0').TrimEnd('0');
        if (digits.Length == 0)
            return sign + "0.0";
        // The exponent of the first digit; 17 digits round up to the next power only where the shortest do too.
        var exponent = shortest.Contains('E')
            ? int.Parse(
                shortest[(shortest.IndexOf('E') + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)
            : int.Parse(text[(text.IndexOf('E') + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (exponent is < -4 or >= 16)
        {
            var point = digits.Length > 1 ? "." : "";
            return $"{sign}{digits[0]}{point}{digits[1..]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }
        if (exponent < 0)
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        return digits.Length <= exponent + 1
            ? $"{sign}{digits.PadRight(exponent + 1, '0')}.0"
            : $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    public static string Number(BigInteger value) => value.ToString(CultureInfo.InvariantCulture);

    private static bool IsPair(string text, int i) => i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]);

    private static bool IsPrintable(UnicodeCategory category) => category is not (UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.SpaceSeparator);
}
