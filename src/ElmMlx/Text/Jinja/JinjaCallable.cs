namespace ElmMlx.Text.Jinja;

/// <summary>What can be called: a function, filter, test, method or macro.</summary>
internal abstract class JinjaCallable
{
    protected JinjaCallable(string name) => Name = name;

    public string Name { get; }

    public abstract object? Call(JinjaRun run, JinjaArguments arguments);
}
