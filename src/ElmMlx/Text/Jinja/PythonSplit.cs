using System.Buffers;

namespace ElmMlx.Text.Jinja;

/// <summary>Python's ways to take a text apart.</summary>
internal static class PythonSplit
{
    private static readonly SearchValues<char> LineEnds = SearchValues.Create("\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029");

    /// <param name="run">The rendering.</param>
    /// <param name="text">What is taken apart.</param>
    /// <param name="separator">A text; None for blanks.</param>
    /// <param name="limit">The most cuts; negative for any number.</param>
    /// <param name="fromEnd">Whether it begins at the end.</param>
    public static JinjaSequence Split(JinjaRun run, string text, object? separator, int limit, bool fromEnd)
    {
        run.SpendItems(text.Length);
        IEnumerable<string> parts = separator switch
        {
            null => fromEnd && limit >= 0 ? BlanksFromEnd(text, limit) : Blanks(text, limit),
            "" => throw new JinjaException("empty separator"),
            string by => fromEnd && limit >= 0 ? ByFromEnd(text, by, limit) : By(text, by, limit),
            JinjaUndefined undefined => throw undefined.Error(),
            _ => throw new JinjaException($"must be str or None, not {JinjaValue.TypeName(separator)}"),
        };
        return JinjaSequence.List([.. parts]);
    }

    public static JinjaSequence Lines(JinjaRun run, string text, bool keepsEnds)
    {
        run.SpendItems(text.Length);
        return JinjaSequence.List([.. Lines(text, keepsEnds)]);
    }

    public static List<string> Lines(string text, bool keepsEnds = false)
    {
        var lines = new List<string>();
        for (var start = 0; start < text.Length;)
        {
            var end = text.AsSpan(start).IndexOfAny(LineEnds);
            end = end < 0 ? text.Length : start + end;
            var next = Math.Min(text.Length, end + (text.AsSpan(end).StartsWith("\r\n") ? 2 : 1));
            lines.Add(text[start..(keepsEnds ? next : end)]);
            start = next;
        }
        return lines;
    }

    public static JinjaSequence Partition(JinjaRun run, string text, string by, bool fromEnd)
    {
        run.SpendText(text.Length);
        if (by.Length == 0)
            throw new JinjaException("empty separator");
        var place = fromEnd
            ? text.LastIndexOf(by, StringComparison.Ordinal)
            : text.IndexOf(by, StringComparison.Ordinal);
        return place >= 0 ? JinjaSequence.Tuple(text[..place], by, text[(place + by.Length)..])
            : fromEnd ? JinjaSequence.Tuple("", "", text) : JinjaSequence.Tuple(text, "", "");
    }

    private static string[] By(string text, string by, int limit) =>
        limit < 0 ? text.Split(by) : text.Split(by, limit == int.MaxValue ? limit : limit + 1);

    private static List<string> ByFromEnd(string text, string by, int limit)
    {
        var parts = new List<string>();
        var end = text.Length;
        for (var i = 0; i < limit; i++)
        {
            var place = text.AsSpan(0, end).LastIndexOf(by);
            if (place < 0)
                break;
            parts.Add(text[(place + by.Length)..end]);
            end = place;
        }
        parts.Add(text[..end]);
        parts.Reverse();
        return parts;
    }

    private static List<string> Blanks(string text, int limit)
    {
        var parts = new List<string>();
        for (var rest = PythonText.TrimStart(text); !rest.IsEmpty; rest = PythonText.TrimStart(rest))
        {
            if (limit >= 0 && parts.Count == limit)
            {
                parts.Add(rest.ToString());
                break;
            }
            var end = 0;
            while (end < rest.Length && !PythonText.IsSpace(rest[end]))
                end++;
            parts.Add(rest[..end].ToString());
            rest = rest[end..];
        }
        return parts;
    }

    private static List<string> BlanksFromEnd(string text, int limit)
    {
        var parts = new List<string>();
        for (var rest = PythonText.TrimEnd(text); !rest.IsEmpty; rest = PythonText.TrimEnd(rest))
        {
            if (parts.Count == limit)
            {
                parts.Add(rest.ToString());
                break;
            }
            var start = rest.Length;
            while (start > 0 && !PythonText.IsSpace(rest[start - 1]))
                start--;
            parts.Add(rest[start..].ToString());
            rest = rest[..start];
        }
        parts.Reverse();
        return parts;
    }
}
