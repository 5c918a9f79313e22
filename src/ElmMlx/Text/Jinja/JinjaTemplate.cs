namespace ElmMlx.Text.Jinja;

/// <summary>A template of Jinja2, in the environment that transformers renders chat templates in.</summary>
internal sealed class JinjaTemplate
{
    private const int MaxLength = 1 << 22;

    private readonly string _name;
    private readonly JinjaStatement _body;

    /// <param name="source">Its text.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="InvalidDataException">It is no template.</exception>
    public JinjaTemplate(string source, string name)
    {
        _name = name;
        if (source.Length > MaxLength)
            throw new InvalidDataException(
                $"{name} has {source.Length} characters; a template has at most {MaxLength}");
        try
        {
            _body = JinjaParser.Parse(source);
        }
        catch (JinjaException e)
        {
            throw Named(e, e.Line);
        }
    }

    /// <summary>The text for some variables.</summary>
    /// <param name="clock">What <c>strftime_now</c> reads.</param>
    /// <param name="variables">Sets variables.</param>
    /// <exception cref="InvalidDataException">The template refuses them, has a fault, or does too much.</exception>
    public string Render(TimeProvider clock, Action<JinjaScope> variables)
    {
        var run = new JinjaRun(clock);
        try
        {
            var scope = new JinjaScope(run);
            variables(scope);
            _body(scope);
            return run.Output;
        }
        catch (JinjaException e)
        {
            throw Named(e, e.Line > 0 ? e.Line : run.Line);
        }
    }

    private InvalidDataException Named(JinjaException e, int line) => new(
        line > 0 ? $"{_name}, line {line}: {e.Message}" : $"{_name}: {e.Message}", e);
}
