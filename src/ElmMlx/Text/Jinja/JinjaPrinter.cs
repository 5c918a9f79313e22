using System.Numerics;
using System.Text;

namespace ElmMlx.Text.Jinja;

/// <summary>Python's <c>str</c> and <c>repr</c>.</summary>
internal static class JinjaPrinter
{
    private const int ShortLength = 60;

    public static string Text(JinjaRun run, object? value) =>
        value is string text ? text : value is JinjaUndefined ? "" : Repr(run, value);

    public static string Repr(JinjaRun run, object? value)
    {
        if (Scalar(value) is { } scalar)
        {
            run.SpendText(scalar.Length);
            return scalar;
        }
        var text = new StringBuilder();
        Append(run, value, text);
        return text.ToString();
    }

    /// <summary>A value in a message, never long.</summary>
    public static string ShortRepr(object? value)
    {
        var text = value is string { Length: > ShortLength } s
            ? PythonText.Quote(s[..ShortLength])
            : Scalar(value) ?? JinjaValue.TypeName(value);
        return text.Length <= ShortLength ? text : text[..ShortLength] + "…";
    }

    private static string? Scalar(object? value) => value switch
    {
        null => "None",
        bool flag => flag ? "True" : "False",
        BigInteger number => PythonText.Number(number),
        double number => PythonText.Number(number),
        string text => PythonText.Quote(text),
        JinjaUndefined => "Undefined",
        JinjaSequence { Kind: JinjaSequenceKind.Range or JinjaSequenceKind.Generator } sequence => sequence.Repr,
        JinjaMacro macro => $"<Macro {PythonText.Quote(macro.Name)}>",
        JinjaLoop loop => $"<LoopContext {loop.Attribute("index")}/{loop.Attribute("length")}>",
        JinjaCallable callable => $"<function {callable.Name}>",
        _ => null,
    };

    private static void Append(JinjaRun run, object? value, StringBuilder text)
    {
        run.Step();
        switch (value)
        {
            case JinjaSequence { Kind: JinjaSequenceKind.View } view:
                text.Append(view.Repr).Append('(');
                AppendItems(run, view.Items, text, "[", "]");
                text.Append(')');
                break;
            case JinjaSequence { Kind: JinjaSequenceKind.Tuple } tuple:
                AppendItems(run, tuple.Items, text, "(", tuple.Items.Length == 1 ? ",)" : ")");
                break;
            case JinjaSequence { Kind: JinjaSequenceKind.List } list:
                AppendItems(run, list.Items, text, "[", "]");
                break;
            case JinjaMapping mapping:
                AppendEntries(run, mapping.Entries, text, "{", "}");
                break;
            case JinjaNamespace space:
                AppendEntries(run, space.Attributes.Select((object? Key, object? Value) (a) => (a.Key, a.Value)), text,
                    "<Namespace {", "}>");
                break;
            default:
                var scalar = Repr(run, value);
                text.Append(scalar);
                break;
        }
        if (text.Length > JinjaRun.MaxCharacters)
            throw new JinjaException($"it makes a text of more than {JinjaRun.MaxCharacters} characters");
    }

    private static void AppendItems(JinjaRun run, object?[] items, StringBuilder text, string begin, string end)
    {
        text.Append(begin);
        for (var i = 0; i < items.Length; i++)
        {
            text.Append(i > 0 ? ", " : "");
            Append(run, items[i], text);
        }
        text.Append(end);
    }

    private static void AppendEntries(
        JinjaRun run, IEnumerable<(object? Key, object? Value)> entries, StringBuilder text, string begin, string end)
    {
        text.Append(begin);
        var separator = "";
        foreach (var (key, value) in entries)
        {
            text.Append(separator);
            Append(run, key, text);
            text.Append(": ");
            Append(run, value, text);
            separator = ", ";
        }
        text.Append(end);
    }
}
