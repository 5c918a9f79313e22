namespace ElmMlx.Text.Jinja;

/// <summary>What <c>namespace()</c> makes: the one value whose attributes a template may set.</summary>
internal sealed class JinjaNamespace
{
    public Dictionary<string, object?> Attributes { get; } = [];
}
