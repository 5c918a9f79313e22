using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;

namespace ElmMlx.Text.Jinja;

/// <summary>Filters that give texts.</summary>
internal static partial class JinjaTextFilters
{
    public static readonly JinjaCallable[] All =
    [
        Mapped("upper", s => s.ToUpperInvariant()),
        Mapped("lower", s => s.ToLowerInvariant()),
        Mapped("capitalize", PythonStringMethods.Capitalize),
        Mapped("title", Title),
        Mapped("string", s => s),
        Mapped("safe", s => s),
        Mapped("escape", Escape),
        Mapped("e", Escape),
        new JinjaFunction("trim", "value chars=none", (run, a) => PythonStringMethods.Strip(
            Text(run, a[0]), a[1] is null ? null : Text(run, a[1]), start: true, end: true)),
        new JinjaFunction("replace", "s old new count=none", (run, a) => PythonStringMethods.Replace(
            run, Text(run, a[0]), Text(run, a[1]), Text(run, a[2]), a[3] is null ? -1 : JinjaValue.Int(a[3], "count"))),
        new JinjaFunction("center", "value width=80", (run, a) =>
            PythonStringMethods.All["center"].Call(run, JinjaArguments.Of(Text(run, a[0]), a[1]))),
        new JinjaFunction("indent", "s width=4 first=false blank=false", Indent),
        new JinjaFunction("truncate", "s length=255 killwords=false end='...' leeway=5", Truncate),
        new JinjaFunction("wordcount", "s", (run, a) => (BigInteger)Words().Count(Text(run, a[0]))),
        new JinjaFunction(
            "tojson", "x ensure_ascii=false indent=none separators=none sort_keys=false", JinjaJson.Write),
        new JinjaVariadic("format", (run, a) => PythonFormat.Percent(
            run, Text(run, a.Positional[0]), a.Named.Count > 0
                ? throw new JinjaException("format takes no named values here")
                : JinjaSequence.Tuple(a.Positional[1..]))),
        new JinjaFunction("join", "value d='' attribute=none", Join),
    ];

    private static JinjaFunction Mapped(string name, Func<string, string> map) =>
        new(name, "s", (run, a) => map(Text(run, a[0])));

    private static string Text(JinjaRun run, object? value)
    {
        var text = JinjaPrinter.Text(run, value);
        run.SpendText(text.Length);
        return text;
    }

    private static string Join(JinjaRun run, object?[] a)
    {
        var items = JinjaValue.Iterate(run, a[0]).Select(item =>
            JinjaPrinter.Text(run, a[2] is null ? item : JinjaAccess.Path(run, item, a[2])));
        return PythonStringMethods.Join(run, JinjaPrinter.Text(run, a[1]), [.. items]);
    }

    private static string Title(string text) =>
        string.Concat(WordStarts().Split(text).Select(PythonStringMethods.Capitalize));

    private static string Escape(string text) => text
        .Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;").Replace("'", "&#39;").Replace("\"", "&#34;");

    private static string Indent(JinjaRun run, object?[] a)
    {
        var text = Text(run, a[0]) + "\n";
        var indent = a[1] as string ?? "";
        if (a[1] is not string)
        {
            var width = Math.Max(0, JinjaValue.Int(a[1], "a width"));
            run.SpendText(width);
            indent = new string(' ', width);
        }
        var lines = PythonSplit.Lines(text);
        run.SpendText(text.Length + ((long)indent.Length * (lines.Count + 1)));
        var indentsBlank = JinjaValue.IsTrue(a[3]);
        var result = new StringBuilder(JinjaValue.IsTrue(a[2]) ? indent : "").Append(lines[0]);
        foreach (var line in lines.Skip(1))
            result.Append('\n').Append(line.Length > 0 || indentsBlank ? indent : "").Append(line);
        return result.ToString();
    }

    private static string Truncate(JinjaRun run, object?[] a)
    {
        var (text, end) = (Text(run, a[0]), Text(run, a[3]));
        var (length, leeway) = (JinjaValue.Int(a[1], "a length"), JinjaValue.Int(a[4], "a leeway"));
        if (PythonText.Length(text) <= (long)length + leeway)
            return text;
        var kept = text[..PythonText.Offset(text, Math.Max(0, length - PythonText.Length(end)))];
        if (!JinjaValue.IsTrue(a[2]) && kept.LastIndexOf(' ') is >= 0 and var blank)
            kept = kept[..blank];
        return kept + end;
    }

    [GeneratedRegex(@"([-\s({\[<]+)")]
    private static partial Regex WordStarts();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Words();
}
