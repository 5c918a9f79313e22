namespace ElmMlx.Text.Jinja;

/// <summary>How a template goes on behind a statement.</summary>
internal enum JinjaFlow
{
    Next,
    Break,
    Continue,
}
