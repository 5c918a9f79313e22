namespace ElmMlx.Text.Jinja;

/// <summary>All filters by name.</summary>
internal static class JinjaFilters
{
    private static readonly Dictionary<string, JinjaCallable> All = JinjaTextFilters.All
        .Concat(JinjaListFilters.All).Concat(JinjaChoiceFilters.All).Concat(JinjaNumberFilters.All)
        .ToDictionary(f => f.Name);

    /// <exception cref="JinjaException">There is no such filter.</exception>
    public static JinjaCallable Find(string name) => All.TryGetValue(name, out var filter)
        ? filter
        : throw new JinjaException($"No filter named {PythonText.Quote(name)}.");

    public static bool Contains(string name) => All.ContainsKey(name);
}
