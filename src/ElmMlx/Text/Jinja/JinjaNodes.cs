namespace ElmMlx.Text.Jinja;

/// <summary>An expression of a template: its value where names mean what a scope says.</summary>
internal delegate object? JinjaExpression(JinjaScope scope);

/// <summary>A statement of a template.</summary>
internal delegate JinjaFlow JinjaStatement(JinjaScope scope);

/// <summary>What a value can be assigned to.</summary>
internal delegate void JinjaTarget(JinjaScope scope, object? value);
