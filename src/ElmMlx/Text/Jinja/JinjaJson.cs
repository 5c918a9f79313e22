using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace ElmMlx.Text.Jinja;

/// <summary>JSON to values, and values to JSON as Python's <c>json.dumps</c> writes it.</summary>
internal sealed class JinjaJson
{
    private const int MaxDigits = 4300; // Python's bound.

    private readonly JinjaRun _run;
    private readonly StringBuilder _text = new();
    private readonly bool _ascii;
    private readonly string? _indent;
    private readonly string _between;
    private readonly string _colon;
    private readonly bool _sorted;

    private JinjaJson(JinjaRun run, object?[] options)
    {
        _run = run;
        _ascii = JinjaValue.IsTrue(options[1]);
        _indent = options[2] switch
        {
            null => null,
            string text => text,
            var width => new string(' ', Math.Clamp(JinjaValue.Int(width, "tojson's indent"), 0, 100)),
        };
        (_between, _colon) = options[3] is JinjaSequence { Items: [string between, string colon] }
            ? (between, colon)
            : (_indent is null ? ", " : ",", ": ");
        _sorted = JinjaValue.IsTrue(options[4]);
    }

    /// <summary>transformers' filter <c>tojson</c>.</summary>
    /// <param name="run">The rendering.</param>
    /// <param name="arguments">Value, ensure_ascii, indent, separators, sort_keys.</param>
    public static string Write(JinjaRun run, object?[] arguments)
    {
        var json = new JinjaJson(run, arguments);
        json.Append(arguments[0], 0);
        return json._text.ToString();
    }

    /// <exception cref="JinjaException">A text or number is nothing that Python could hold.</exception>
    public static object? Read(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                var mapping = new JinjaMapping();
                foreach (var property in json.EnumerateObject())
                    mapping.Set(Name(property), Read(property.Value));
                return mapping;
            case JsonValueKind.Array:
                return JinjaSequence.List([.. json.EnumerateArray().Select(Read)]);
            case JsonValueKind.String:
                return Whole(() => json.GetString()!);
            case JsonValueKind.Number:
                var text = json.GetRawText();
                if (text.AsSpan().IndexOfAny('.', 'e', 'E') >= 0)
                    return double.Parse(text, CultureInfo.InvariantCulture);
                return text.Length <= MaxDigits
                    ? BigInteger.Parse(text, CultureInfo.InvariantCulture)
                    : throw new JinjaException($"a number has more than {MaxDigits} digits");
            case JsonValueKind.True or JsonValueKind.False:
                return json.ValueKind == JsonValueKind.True;
            default:
                return null;
        }
    }

    private static string Name(JsonProperty property) => Whole(() => property.Name);

    private static string Whole(Func<string> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException)
        {
            throw new JinjaException("a text of the conversation has half of a surrogate pair in it");
        }
    }

    private void Append(object? value, int depth)
    {
        _run.Step();
        switch (value)
        {
            case null:
                _text.Append("null");
                break;
            case bool flag:
                _text.Append(flag ? "true" : "false");
                break;
            case BigInteger or double:
                _text.Append(Number(value));
                break;
            case string text:
                AppendText(text);
                break;
            case JinjaSequence { Kind: JinjaSequenceKind.List or JinjaSequenceKind.Tuple } list:
                AppendItems('[', ']', list.Items, depth, item => Append(item, depth + 1));
                break;
            case JinjaMapping mapping:
                var entries = mapping.Entries.Select(e => (Key: Key(e.Key), e.Value));
                if (_sorted)
                    entries = entries.OrderBy(e => e.Key, Comparer<string>.Create(PythonText.Compare));
                AppendItems('{', '}', entries, depth, entry =>
                {
                    AppendText(entry.Key);
                    _text.Append(_colon);
                    Append(entry.Value, depth + 1);
                });
                break;
            default:
                throw new JinjaException($"Object of type {JinjaValue.TypeName(value)} is not JSON serializable");
        }
        if (_text.Length > JinjaRun.MaxCharacters)
            throw new JinjaException($"it makes a text of more than {JinjaRun.MaxCharacters} characters");
    }

    private void AppendItems<T>(char begin, char end, IEnumerable<T> items, int depth, Action<T> append)
    {
        _text.Append(begin);
        var isFirst = true;
        foreach (var item in items)
        {
            _text.Append(isFirst ? "" : _between);
            NewLine(depth + 1);
            append(item);
            isFirst = false;
        }
        if (!isFirst)
            NewLine(depth);
        _text.Append(end);
    }

    private void NewLine(int depth)
    {
        if (_indent is null)
            return;
        _run.SpendText((long)_indent.Length * depth);
        _text.Append('\n');
        for (var i = 0; i < depth; i++)
            _text.Append(_indent);
    }

    private void AppendText(string text)
    {
        _run.SpendText(text.Length);
        _text.Append('"');
        foreach (var c in text)
        {
            if (c is '"' or '\\')
                _text.Append('\\').Append(c);
            else if ("\n\r\t\b\f".IndexOf(c) is >= 0 and var index)
                _text.Append('\\').Append("nrtbf"[index]);
            else if (c < ' ' || (_ascii && c > '~'))
                _text.Append($"\\u{(int)c:x4}");
            else
                _text.Append(c);
        }
        _text.Append('"');
    }

    private static string Key(object? key) => key switch
    {
        string text => text,
        null => "null",
        bool flag => flag ? "true" : "false",
        _ => Number(key),
    };

    private static string Number(object value) =>
        value is BigInteger whole ? PythonText.Number(whole) : (double)value switch
        {
            double.PositiveInfinity => "Infinity",
            double.NegativeInfinity => "-Infinity",
            double.NaN => "NaN",
            var number => PythonText.Number(number),
        };
}
