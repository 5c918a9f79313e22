namespace ElmMlx.Text.Jinja;

/// <summary>The methods of Python's <c>dict</c> that change nothing.</summary>
internal static class PythonMappingMethods
{
    public static readonly IReadOnlyDictionary<string, JinjaFunction> All = new JinjaFunction[]
    {
        new("get", "self key default=none", (_, a) => Self(a).TryGet(a[1], out var value) ? value : a[2]),
        new("items", "self", (run, a) => JinjaSequence.View("dict_items", Items(run, Self(a)))),
        new("keys", "self", (run, a) => JinjaSequence.View("dict_keys", JinjaValue.Iterate(run, a[0]))),
        new("values", "self", Values),
        new("copy", "self", (_, a) => a[0]),
    }.ToDictionary(f => f.Name);

    public static object?[] Items(JinjaRun run, JinjaMapping mapping)
    {
        run.SpendItems(2L * mapping.Count);
        return [.. mapping.Entries.Select(object? (e) => JinjaSequence.Tuple(e.Key, e.Value))];
    }

    private static JinjaSequence Values(JinjaRun run, object?[] arguments)
    {
        run.SpendItems(Self(arguments).Count);
        return JinjaSequence.View("dict_values", [.. Self(arguments).Values]);
    }

    private static JinjaMapping Self(object?[] arguments) => (JinjaMapping)arguments[0]!;
}
