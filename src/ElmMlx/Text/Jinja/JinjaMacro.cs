namespace ElmMlx.Text.Jinja;

/// <summary>A macro: a part of a template that is called, and gives what it writes.</summary>
internal sealed class JinjaMacro : JinjaCallable
{
    private readonly (string Name, JinjaExpression? Default)[] _parameters;
    private readonly bool _takesMore;
    private readonly bool _takesNames;
    private readonly JinjaStatement _body;
    private readonly JinjaScope _scope;

    /// <param name="name">Its name.</param>
    /// <param name="parameters">Names and defaults.</param>
    /// <param name="mentions">
    /// The names that its body mentions: <c>varargs</c> and <c>kwargs</c> take what is over.
    /// </param>
    /// <param name="body">What it writes.</param>
    /// <param name="scope">Where it is defined.</param>
    public JinjaMacro(
        string name, (string Name, JinjaExpression? Default)[] parameters, HashSet<string> mentions,
        JinjaStatement body,
        JinjaScope scope)
        : base(name)
    {
        _parameters = parameters;
        _takesMore = mentions.Contains("varargs");
        _takesNames = mentions.Contains("kwargs");
        _body = body;
        _scope = scope;
    }

    public JinjaSequence ParameterNames => JinjaSequence.Tuple([.. _parameters.Select(object? (p) => p.Name)]);

    public override string Call(JinjaRun run, JinjaArguments arguments)
    {
        var scope = _scope.Inner();
        var given = arguments.Positional;
        if (given.Length > _parameters.Length && !_takesMore)
            throw new JinjaException(
                $"macro {PythonText.Quote(Name)} takes not more than {_parameters.Length} argument(s)");
        var rest = new JinjaMapping();
        var named = new Dictionary<string, object?>();
        foreach (var (name, value) in arguments.Named)
        {
            var place = Array.FindIndex(_parameters, p => p.Name == name);
            if (place >= 0 && place < given.Length)
                throw new JinjaException(
                    $"macro {PythonText.Quote(Name)} got multiple values for argument {PythonText.Quote(name)}");
            if (place >= 0)
                named[name] = value;
            else if (name == "caller")
                scope.Set("caller", value);
            else if (_takesNames)
                rest.Set(name, value);
            else
                throw new JinjaException(
                    $"macro {PythonText.Quote(Name)} takes no keyword argument {PythonText.Quote(name)}");
        }
        scope.Set("varargs", JinjaSequence.Tuple(given.Length > _parameters.Length ? given[_parameters.Length..] : []));
        scope.Set("kwargs", rest);
        return run.Call(() =>
        {
            for (var i = 0; i < _parameters.Length; i++)
            {
                var (name, fallback) = _parameters[i];
                scope.Set(name, i < given.Length ? given[i]
                    : named.TryGetValue(name, out var value) ? value
                    : fallback is not null ? fallback(scope)
                    : new JinjaUndefined($"parameter {PythonText.Quote(name)} was not provided"));
            }
            return run.Capture(() => _body(scope));
        });
    }
}
