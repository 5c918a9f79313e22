namespace ElmMlx.Text.Jinja;

/// <summary>A built-in function that looks at its arguments itself.</summary>
internal sealed class JinjaVariadic : JinjaCallable
{
    private readonly Func<JinjaRun, JinjaArguments, object?> _body;

    public JinjaVariadic(string name, Func<JinjaRun, JinjaArguments, object?> body)
        : base(name) => _body = body;

    public override object? Call(JinjaRun run, JinjaArguments arguments) => _body(run, arguments);
}
