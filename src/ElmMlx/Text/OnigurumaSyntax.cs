using System.Text;

namespace ElmMlx.Text;

/// <summary>Writes an Oniguruma pattern in .NET's syntax, or refuses what has no counterpart.</summary>
internal static class OnigurumaSyntax
{
    public static string Translate(string pattern, int maxChars, int maxDepth)
    {
        if (pattern.Length > maxChars)
            throw new FormatException($"a pattern has {pattern.Length} characters; at most {maxChars} are read");
        var result = new StringBuilder(pattern.Length + 16);
        var groups = new Stack<int>();
        var inClass = false;
        var atomStart = 0;
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '+' && !inClass && IsQuantified(pattern, i))
            {
                // a++ keeps what it has; .NET writes that as an atomic group.
                result.Insert(atomStart, "(?>").Append(')');
                continue;
            }
            if (!inClass && c is not ('?' or '*' or '+' or '{' or ')'))
                atomStart = result.Length;
            if (c == '\\' && i + 1 < pattern.Length)
            {
                i = AppendEscape(pattern, i, inClass, result);
                continue;
            }
            if (inClass)
            {
                CheckClass(pattern, i);
                inClass = c != ']';
            }
            else if (c == '[')
            {
                inClass = true;
            }
            else if (c == '(')
            {
                groups.Push(result.Length);
                if (groups.Count > maxDepth)
                    throw new FormatException($"a pattern has groups nested more than {maxDepth} deep");
            }
            else if (c == ')' && groups.TryPop(out var start))
            {
                atomStart = start;
            }
            else if (c == '{')
            {
                var end = Math.Max(i, pattern.IndexOf('}', i));
                result.Append(pattern, i, end - i + 1);
                i = end;
                continue;
            }
            AppendCharacter(pattern, ref i, inClass, result);
        }
        return result.ToString();
    }

    // The character before is a repeat itself, not an escaped one.
    private static bool IsQuantified(string pattern, int at) =>
        at >= 2 && pattern[at - 1] is '+' or '*' or '?' && pattern[at - 2] is not ('\\' or '(');

    private static void CheckClass(string pattern, int at)
    {
        if (pattern[at] == '[')
            throw new FormatException($"a pattern has a class within a class, which is not supported: {pattern}");
        if (pattern.AsSpan(at).StartsWith("&&"))
            throw new FormatException(
                $"a pattern has an intersection of classes, which is not supported: {pattern}");
    }

    private static void AppendCharacter(string pattern, ref int i, bool inClass, StringBuilder result)
    {
        // (?m) is Ruby's name for what others call (?s).
        if (!inClass && pattern.AsSpan(i).StartsWith("(?m"))
        {
            result.Append("(?s");
            i += 2;
            return;
        }
        if (char.IsSurrogate(pattern[i]))
            throw new FormatException("a pattern names a character above U+FFFF, which is not supported");
        result.Append(pattern[i]);
    }

    private static int AppendEscape(string pattern, int i, bool inClass, StringBuilder result)
    {
        var c = pattern[i + 1];
        switch (c)
        {
            case 'h':
                result.Append(inClass ? "0-9a-fA-F" : "[0-9a-fA-F]");
                return i + 1;
            case 'H' when !inClass:
                result.Append("[^0-9a-fA-F]");
                return i + 1;
            case 'p' or 'P' when i + 2 < pattern.Length && pattern[i + 2] == '{':
                var end = pattern.IndexOf('}', i);
                if (end < 0)
                    throw new FormatException($"a pattern has a property without end: {pattern}");
                var name = pattern[(i + 3)..end];
                var negated = name.StartsWith('^');
                var isUpper = (c == 'P') != negated;
                result.Append(isUpper ? "\\P{" : "\\p{").Append(Category(name.TrimStart('^'))).Append('}');
                return end;
            case 'x' when i + 2 < pattern.Length && pattern[i + 2] == '{':
                var close = pattern.IndexOf('}', i);
                if (close < 0 || !int.TryParse(
                        pattern.AsSpan(i + 3, close - i - 3), System.Globalization.NumberStyles.AllowHexSpecifier,
                        null, out var code) || code > 0xFFFF)
                    throw new FormatException($"a pattern names a character that is not supported: {pattern}");
                result.Append($"\\u{code:X4}");
                return close;
            default:
                result.Append('\\').Append(c);
                return i + 1;
        }
    }

    private static string Category(string name) => name switch
    {
        "Letter" => "L",
        "Mark" => "M",
        "Number" => "N",
        "Punctuation" or "Punct" => "P",
        "Symbol" => "S",
        "Separator" => "Z",
        "Other" => "C",
        "Han" => "IsCJKUnifiedIdeographs",
        "Hiragana" => "IsHiragana",
        "Katakana" => "IsKatakana",
        _ => name,
    };
}
