namespace ElmMlx.Text.Jinja;

/// <summary>What a token of a template is.</summary>
internal enum JinjaTokenKind
{
    /// <summary>Text outside of tags.</summary>
    Data,
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name,
    Text,
    Integer,
    Float,
    Operator,
    End,
}
