namespace ElmMlx.Text.Jinja;

/// <summary>What is not there: prints as nothing, is false and empty, and refuses everything else.</summary>
internal sealed class JinjaUndefined
{
    private readonly string _reason;

    /// <param name="reason">What is said to who uses it.</param>
    public JinjaUndefined(string reason) => _reason = reason;

    public JinjaException Error() => new(_reason);

    /// <summary>A missing attribute or item.</summary>
    public static JinjaUndefined Of(object? owner, object? key)
    {
        var type = JinjaValue.OwnerName(owner);
        return new JinjaUndefined(key is string name
            ? $"{PythonText.Quote(type)} has no attribute {PythonText.Quote(name)}"
            : $"{type} has no element {JinjaPrinter.ShortRepr(key)}");
    }

    /// <summary>A method that the sandbox keeps from a template, as it changes its value.</summary>
    public static JinjaUndefined Unsafe(object owner, string name) => new(
        $"access to attribute {PythonText.Quote(name)} of {PythonText.Quote(JinjaValue.TypeName(owner))} object is " +
            "unsafe.");
}
