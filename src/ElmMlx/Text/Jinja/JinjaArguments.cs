namespace ElmMlx.Text.Jinja;

/// <summary>What a call gives.</summary>
/// <param name="Positional">By place.</param>
/// <param name="Named">By name.</param>
internal sealed record JinjaArguments(object?[] Positional, IReadOnlyDictionary<string, object?> Named)
{
    private static readonly Dictionary<string, object?> NoNames = [];

    public static JinjaArguments Of(params object?[] positional) => new(positional, NoNames);

    /// <summary>The arguments with one more in front.</summary>
    public JinjaArguments After(object? first) => this with { Positional = [first, .. Positional] };

    /// <summary>The arguments without the first ones.</summary>
    public JinjaArguments From(int place) =>
        this with { Positional = Positional[Math.Min(place, Positional.Length)..] };
}
