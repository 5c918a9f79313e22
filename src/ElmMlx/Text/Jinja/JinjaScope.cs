namespace ElmMlx.Text.Jinja;

/// <summary>
/// The names that a part of a template sees. Loops, macros and blocks have scopes of their own; <c>if</c> has none.
/// </summary>
internal sealed class JinjaScope
{
    private readonly JinjaScope? _outer;
    private Dictionary<string, object?>? _values;

    /// <param name="run">The rendering.</param>
    /// <param name="outer">What is seen beside; null for nothing.</param>
    public JinjaScope(JinjaRun run, JinjaScope? outer = null)
    {
        Run = run;
        _outer = outer;
    }

    public JinjaRun Run { get; }

    public JinjaScope Inner() => new(Run, this);

    public object? Get(string name)
    {
        for (var scope = this; scope is not null; scope = scope._outer)
            if (scope._values is not null && scope._values.TryGetValue(name, out var value))
                return value;
        return JinjaGlobals.All.TryGetValue(name, out var global)
            ? global
            : new JinjaUndefined($"{PythonText.Quote(name)} is undefined");
    }

    public void Set(string name, object? value) => (_values ??= [])[name] = value;
}
