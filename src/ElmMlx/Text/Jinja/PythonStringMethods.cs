using System.Numerics;
using System.Text;

namespace ElmMlx.Text.Jinja;

/// <summary>The methods of Python's <c>str</c>.</summary>
internal static class PythonStringMethods
{
    public static readonly IReadOnlyDictionary<string, JinjaCallable> All = new JinjaCallable[]
    {
        Mapped("upper", s => s.ToUpperInvariant()),
        Mapped("lower", s => s.ToLowerInvariant()),
        Mapped("casefold", s => s.ToLowerInvariant()),
        Mapped("capitalize", Capitalize),
        Mapped("title", Title),
        Mapped("swapcase", s =>
            string.Concat(s.Select(c => char.IsUpper(c) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c)))),
        new JinjaFunction("strip", "self chars=none", (run, a) => Strip(run, a, start: true, end: true)),
        new JinjaFunction("lstrip", "self chars=none", (run, a) => Strip(run, a, start: true, end: false)),
        new JinjaFunction("rstrip", "self chars=none", (run, a) => Strip(run, a, start: false, end: true)),
        new JinjaFunction("startswith", "self prefix", (_, a) =>
            Affixes(a[1], "startswith").Any(p => Self(a).StartsWith(p, StringComparison.Ordinal))),
        new JinjaFunction("endswith", "self suffix", (_, a) =>
            Affixes(a[1], "endswith").Any(p => Self(a).EndsWith(p, StringComparison.Ordinal))),
        new JinjaFunction("removeprefix", "self prefix", (_, a) =>
            Self(a).StartsWith(Text(a[1]), StringComparison.Ordinal) ? Self(a)[Text(a[1]).Length..] : a[0]),
        new JinjaFunction("removesuffix", "self suffix", (_, a) =>
            Self(a).EndsWith(Text(a[1]), StringComparison.Ordinal) ? Self(a)[..^Text(a[1]).Length] : a[0]),
        new JinjaFunction("replace", "self old new count=-1", (run, a) =>
            Replace(run, Self(a), Text(a[1]), Text(a[2]), JinjaValue.Int(a[3], "count"))),
        new JinjaFunction("split", "self sep=none maxsplit=-1", (run, a) =>
            PythonSplit.Split(run, Self(a), a[1], JinjaValue.Int(a[2], "maxsplit"), fromEnd: false)),
        new JinjaFunction("rsplit", "self sep=none maxsplit=-1", (run, a) =>
            PythonSplit.Split(run, Self(a), a[1], JinjaValue.Int(a[2], "maxsplit"), fromEnd: true)),
        new JinjaFunction(
            "splitlines", "self keepends=false", (run, a) => PythonSplit.Lines(run, Self(a), JinjaValue.IsTrue(a[1]))),
        new JinjaFunction(
            "partition", "self sep", (run, a) => PythonSplit.Partition(run, Self(a), Text(a[1]), fromEnd: false)),
        new JinjaFunction(
            "rpartition", "self sep", (run, a) => PythonSplit.Partition(run, Self(a), Text(a[1]), fromEnd: true)),
        new JinjaFunction("find", "self sub", (run, a) => Find(run, a, fromEnd: false)),
        new JinjaFunction("rfind", "self sub", (run, a) => Find(run, a, fromEnd: true)),
        new JinjaFunction("index", "self sub", (run, a) =>
            Find(run, a, fromEnd: false) is { Sign: >= 0 } i ? i : throw new JinjaException("substring not found")),
        new JinjaFunction("count", "self sub", (run, a) => (BigInteger)Count(run, Self(a), Text(a[1]))),
        new JinjaFunction("join", "self iterable", (run, a) => Join(run, Self(a), JinjaValue.Iterate(run, a[1]))),
        new JinjaFunction("zfill", "self width", (run, a) => Pad(run, a, '0', isZeroFill: true, left: 1)),
        new JinjaFunction("ljust", "self width fillchar=none", (run, a) => Pad(run, a, Fill(a), false, left: 0)),
        new JinjaFunction("rjust", "self width fillchar=none", (run, a) => Pad(run, a, Fill(a), false, left: 1)),
        new JinjaFunction("center", "self width fillchar=none", (run, a) => Pad(run, a, Fill(a), false, left: 0.5)),
        new JinjaVariadic("format", (run, a) => PythonFormat.Braces(run, (string)a.Positional[0]!, a.From(1))),
        Tested("isspace", PythonText.IsSpace),
        Tested("isdigit", char.IsDigit),
        Tested("isdecimal", char.IsDigit),
        Tested("isnumeric", char.IsNumber),
        Tested("isalpha", char.IsLetter),
        Tested("isalnum", char.IsLetterOrDigit),
        new JinjaFunction("isupper", "self", (_, a) => Self(a).Any(char.IsUpper) && !Self(a).Any(char.IsLower)),
        new JinjaFunction("islower", "self", (_, a) => Self(a).Any(char.IsLower) && !Self(a).Any(char.IsUpper)),
    }.ToDictionary(f => f.Name);

    public static string Capitalize(string text) =>
        text.Length == 0 ? "" : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    public static string Strip(string text, string? characters, bool start, bool end)
    {
        int from = 0, to = text.Length;
        while (start && from < to && IsStripped(text[from]))
            from++;
        while (end && to > from && IsStripped(text[to - 1]))
            to--;
        return text[from..to];

        bool IsStripped(char c) => characters is null ? PythonText.IsSpace(c) : characters.Contains(c);
    }

    public static string Replace(JinjaRun run, string text, string old, string with, int limit)
    {
        run.Spend(text.Length);
        var parts = new StringBuilder();
        var place = 0;
        for (var done = 0; limit < 0 || done < limit; done++)
        {
            // An empty text is found in front of every character, and at the end.
            var found = old.Length > 0 ? text.IndexOf(old, place, StringComparison.Ordinal) : done == 0 ? 0 : place + 1;
            if (found < 0 || found > text.Length)
                break;
            run.SpendText((long)found - place + with.Length);
            parts.Append(text, place, found - place).Append(with);
            place = found + old.Length;
            if (parts.Length > JinjaRun.MaxCharacters)
                run.SpendText(parts.Length);
        }
        run.SpendText(text.Length - place);
        return parts.Append(text, place, text.Length - place).ToString();
    }

    public static string Join(JinjaRun run, string separator, object?[] items)
    {
        var length = (long)separator.Length * Math.Max(0, items.Length - 1);
        for (var i = 0; i < items.Length; i++)
            length += items[i] is string text ? text.Length : throw new JinjaException(
                $"sequence item {i}: expected str instance, {JinjaValue.TypeName(items[i])} found");
        run.SpendText(length);
        return string.Join(separator, items);
    }

    private static JinjaFunction Mapped(string name, Func<string, string> map) => new(name, "self", (run, a) =>
    {
        run.SpendText(Self(a).Length);
        return map(Self(a));
    });

    private static JinjaFunction Tested(string name, Predicate<char> test) =>
        new(name, "self", (run, a) => Self(a).Length > 0 && Self(a).All(c => test(c)));

    private static string Self(object?[] arguments) => (string)arguments[0]!;

    private static string Text(object? value) => value switch
    {
        string text => text,
        JinjaUndefined undefined => throw undefined.Error(),
        _ => throw new JinjaException($"a text is needed, not {JinjaValue.TypeName(value)}"),
    };

    private static char Fill(object?[] arguments) => arguments[2] is null ? ' ' : Text(arguments[2]) is [var c]
        ? c
        : throw new JinjaException("The fill character must be exactly one character long");

    private static string Strip(JinjaRun run, object?[] a, bool start, bool end)
    {
        run.SpendText(Self(a).Length);
        return Strip(Self(a), a[1] is null ? null : Text(a[1]), start, end);
    }

    private static string[] Affixes(object? value, string method) => value switch
    {
        JinjaSequence { Kind: JinjaSequenceKind.Tuple } tuple => [.. tuple.Items.Select(Text)],
        string text => [text],
        JinjaUndefined undefined => throw undefined.Error(),
        _ => throw new JinjaException(
            $"{method} first arg must be str or a tuple of str, not {JinjaValue.TypeName(value)}"),
    };

    // Python's: a letter behind anything but a letter is upper case, every other one lower case.
    private static string Title(string text)
    {
        var title = new StringBuilder(text.Length);
        var isInWord = false;
        foreach (var c in text)
        {
            title.Append(isInWord ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            isInWord = char.IsLetter(c);
        }
        return title.ToString();
    }

    private static BigInteger Find(JinjaRun run, object?[] a, bool fromEnd)
    {
        run.Spend(Self(a).Length);
        var place = fromEnd
            ? Self(a).LastIndexOf(Text(a[1]), StringComparison.Ordinal)
            : Self(a).IndexOf(Text(a[1]), StringComparison.Ordinal);
        return place < 0 ? -1 : PythonText.Length(Self(a)[..place]);
    }

    private static int Count(JinjaRun run, string text, string part)
    {
        run.Spend(text.Length);
        if (part.Length == 0)
            return PythonText.Length(text) + 1;
        var count = 0;
        for (var i = text.IndexOf(
            part, StringComparison.Ordinal); i >= 0; i = text.IndexOf(part, i + part.Length, StringComparison.Ordinal))
            count++;
        return count;
    }

    private static string Pad(JinjaRun run, object?[] a, char fill, bool isZeroFill, double left)
    {
        var (text, width) = (Self(a), JinjaValue.Int(a[1], "a width"));
        run.SpendText(Math.Max(width, text.Length));
        var missing = width - PythonText.Length(text);
        if (missing <= 0)
            return text;
        // Python centres an odd rest to the left in an odd width.
        var before = left == 0.5 ? (missing / 2) + (missing & width & 1) : (int)(missing * left);
        var sign = isZeroFill && text is ['+' or '-', ..] ? 1 : 0;
        return text[..sign] + new string(fill, before) + text[sign..] + new string(fill, missing - before);
    }
}
