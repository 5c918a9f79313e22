using System.Globalization;
using System.Numerics;

namespace ElmMlx.Text.Jinja;

/// <summary>A built-in function with Python's way of taking arguments.</summary>
internal sealed class JinjaFunction : JinjaCallable
{
    private readonly string[] _names;
    private readonly object?[] _defaults;
    private readonly int _required;
    private readonly Func<JinjaRun, object?[], object?> _body;

    /// <param name="name">Its name.</param>
    /// <param name="signature">Names of its arguments, with blanks between, and their defaults:
    /// <c>"s old new count=-1"</c>.</param>
    /// <param name="body">Gets an argument for every name.</param>
    public JinjaFunction(string name, string signature, Func<JinjaRun, object?[], object?> body)
        : base(name)
    {
        var parts = signature.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        _names = [.. parts.Select(part => part.Split('=')[0])];
        _defaults = [.. parts.Select(part => part.Contains('=') ? Default(part.Split('=')[1]) : null)];
        _required = parts.Count(part => !part.Contains('='));
        _body = body;
    }

    public override object? Call(JinjaRun run, JinjaArguments arguments)
    {
        var given = arguments.Positional;
        if (given.Length > _names.Length)
            throw new JinjaException($"{Name}() takes {_names.Length} arguments but {given.Length} were given");
        object?[] values = [.. given, .. _defaults[given.Length..]];
        var isGiven = new bool[_names.Length];
        isGiven.AsSpan(0, given.Length).Fill(true);
        foreach (var (name, value) in arguments.Named)
        {
            var place = Array.IndexOf(_names, name);
            if (place < 0)
                throw new JinjaException($"{Name}() got an unexpected keyword argument {PythonText.Quote(name)}");
            if (isGiven[place])
                throw new JinjaException($"{Name}() got multiple values for argument {PythonText.Quote(name)}");
            (values[place], isGiven[place]) = (value, true);
        }
        var missing = Array.IndexOf(isGiven, false, 0, _required);
        return missing < 0
            ? _body(run, values)
            : throw new JinjaException($"{Name}() is missing its argument {PythonText.Quote(_names[missing])}");
    }

    private static object? Default(string text) => text switch
    {
        "none" => null,
        "true" => true,
        "false" => false,
        _ when text[0] == '\'' => text.Trim('\''),
        _ when text.Contains('.') => double.Parse(text, CultureInfo.InvariantCulture),
        _ => BigInteger.Parse(text, CultureInfo.InvariantCulture),
    };
}
