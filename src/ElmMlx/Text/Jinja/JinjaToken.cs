namespace ElmMlx.Text.Jinja;

/// <summary>A token of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Value">Its text; of a quoted text what stands between the quotes, escapes resolved.</param>
/// <param name="Line">Where it stands, from 1.</param>
internal readonly record struct JinjaToken(JinjaTokenKind Kind, string Value, int Line)
{
    /// <summary>The token as messages name it; Jinja2's words.</summary>
    public string Description => Kind switch
    {
        JinjaTokenKind.Data => "template data / text",
        JinjaTokenKind.VariableBegin => "begin of print statement",
        JinjaTokenKind.VariableEnd => "end of print statement",
        JinjaTokenKind.BlockBegin => "begin of statement block",
        JinjaTokenKind.BlockEnd => "end of statement block",
        JinjaTokenKind.Text => "string",
        JinjaTokenKind.Integer => "integer",
        JinjaTokenKind.Float => "float",
        JinjaTokenKind.End => "end of template",
        _ => Value,
    };

    public bool IsName(string name) => Kind == JinjaTokenKind.Name && Value == name;

    public bool IsOperator(string text) => Kind == JinjaTokenKind.Operator && Value == text;
}
