namespace ElmMlx.Text.Jinja;

/// <summary>A function with its first argument: a method of a value.</summary>
internal sealed class JinjaMethod : JinjaCallable
{
    private readonly object _self;
    private readonly JinjaCallable _function;

    public JinjaMethod(object self, JinjaCallable function)
        : base(function.Name)
    {
        _self = self;
        _function = function;
    }

    public override object? Call(JinjaRun run, JinjaArguments arguments) => _function.Call(run, arguments.After(_self));
}
