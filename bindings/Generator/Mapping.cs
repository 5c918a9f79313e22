using System.Text;
using System.Text.Json;

namespace ElmMlx.BindingsGenerator;

/// <summary>docs/mapping.md and docs/coverage.md: every C function beside its Python and C# names, its provider and its
/// tests.</summary>
public sealed class Mapping
{
    private readonly CInterface _api;
    private readonly IReadOnlyDictionary<string, FunctionMapping> _rows;
    private readonly IReadOnlyDictionary<string, string[]> _calls;

    /// <summary>The documents of an interface.</summary>
    /// <param name="api">All functions.</param>
    /// <param name="rows">A row for each, by its C name.</param>
    /// <param name="calls">The test classes that were seen to call a function.</param>
    /// <exception cref="InvalidDataException">A function has no row, a row no function, or says nothing.</exception>
    public Mapping(
        CInterface api, IReadOnlyDictionary<string, FunctionMapping> rows, IReadOnlyDictionary<string, string[]> calls)
    {
        (_api, _rows, _calls) = (api, rows, calls);
        HashSet<string> names = [.. api.Functions.Select(f => f.Name)];
        if (api.Functions.FirstOrDefault(f => !rows.ContainsKey(f.Name)) is { } unmapped)
            throw new InvalidDataException($"bindings/csharp.json lacks {unmapped.Name}: say where it stands in C#");
        if (rows.Keys.Concat(calls.Keys).FirstOrDefault(name => !names.Contains(name)) is { } stale)
            throw new InvalidDataException($"{stale} is no function of mlx-c {api.Version}");
        if (rows.FirstOrDefault(row => row.Value.CSharp is null == row.Value.Internal is null) is { Key: not null } odd)
            throw new InvalidDataException($"bindings/csharp.json: {odd.Key} needs either csharp or internal");
    }

    /// <summary>The rows, by C name.</summary>
    public IReadOnlyDictionary<string, FunctionMapping> Rows => _rows;

    /// <summary>The documents of the repository at <paramref name="root"/>.</summary>
    public static Mapping FromFolder(string root) => new(
        CInterfaceJson.Read(File.ReadAllText(Path.Combine(root, $"bindings/mlx-c-{Emitter.Versions[^1]}.json"))),
        Read<FunctionMapping>(Path.Combine(root, "bindings/csharp.json")),
        Read<string[]>(Path.Combine(root, "tests/calls.json")));

    /// <summary>Both documents: path from the repository's root, and text.</summary>
    public IEnumerable<(string Path, string Text)> Files()
    {
        yield return ("docs/mapping.md", MappingText());
        yield return ("docs/coverage.md", CoverageText());
    }

    private string MappingText()
    {
        int named = _rows.Values.Count(row => row.CSharp is not null);
        StringBuilder text = new($"""
            # Python, C and C# names

            Written by `./build.sh bindings` from [bindings/csharp.json](../bindings/csharp.json); a test fails for a
            function without a row, for a member that does not exist, and for a member that does not call its function. Of
            the {_api.Functions.Count} functions of mlx-c {_api.Version} {named} have a public C# member, and {_rows.Count - named} are
            internal by design: they make, free and fill handles, or there is a better way in C#, which the row names.

            Every function also has a checked method of its own name in `src/ElmMlx/Arrays/Checked.g.cs`: a code that is not
            zero, an empty handle or a report to the error handler becomes an `MlxException`. `.ctor` is a constructor,
            `Item` an indexer. Operators are methods too: `+ - * / %` are `Add`, `Subtract`, `Multiply`, `Divide`,
            `Remainder`; `< > <= >=` are `Less`, `Greater`, `LessEqual`, `GreaterEqual`; `& | ^` are `BitwiseAnd`,
            `BitwiseOr`, `BitwiseXor`; `~` is `LogicalNot` of bools and `BitwiseInvert` of integers; brackets are `Slice`,
            `Take` and `Gather`, `With` is `SliceUpdate`.

            """);
        foreach (var group in _api.Functions.GroupBy(f => f.Header))
        {
            text.Append($"\n## {group.Key}\n| Python | C | C# |\n|---|---|---|\n");
            foreach (var f in group)
            {
                FunctionMapping row = _rows[f.Name];
                string python = row.Python is null ? "" : $"`{row.Python}`";
                text.Append($"| {python} | `{f.Name}` | {CSharp(row)} |\n");
            }
        }

        return text.ToString();
    }

    private string CoverageText()
    {
        int without = _rows.Values.Count(row => row.Cpu is not null);
        int tested = _api.Functions.Count(f => _calls.ContainsKey(f.Name));
        StringBuilder text = new($"""
            # Coverage of the C interface

            One row a function of mlx-c {_api.Version}. The last column was recorded, not thought up: `./build.sh coverage` runs
            all tests on the CPU provider with every function of C#'s table wrapped, and writes down, in
            [tests/calls.json](../tests/calls.json), which test class called which function, directly or through the
            library; at most five classes are named here. What C programs call is not seen: `NativeLibraryTests` compiles
            such programs, among them those for the functions that have no place in C#'s table. A call says that a function
            ran under a test, not that all of its cases were checked: those are in the golden data (`tests/fixtures/ops`),
            which `OpsReplayTests` replays.

            {_api.Functions.Count} functions: {_api.Functions.Count - without} on the CPU provider, {without} refused
            there by design in one sentence that says what they need; {tested} are called by tests in C#.

            | C function | CPU provider | C# | tests that touch it |
            |---|---|---|---|

            """);
        foreach (var f in _api.Functions)
        {
            FunctionMapping row = _rows[f.Name];
            string cpu = row.Cpu is null ? "yes" : $"no by design: {row.Cpu}";
            text.Append($"| `{f.Name}` | {cpu} | {CSharp(row)} | {Tests(f.Name)} |\n");
        }

        return text.ToString();
    }

    private static string CSharp(FunctionMapping row) => row.CSharp is null
        ? $"internal: {row.Internal}"
        : string.Join(", ", row.CSharp.Split(", ").Select(member => $"`{member}`"));

    private string Tests(string name)
    {
        const int most = 5;
        if (!_calls.TryGetValue(name, out string[]? classes))
            return "none";
        string rest = classes.Length > most ? $" and {classes.Length - most} more" : "";
        return string.Join(", ", classes.Take(most)) + rest;
    }

    private static Dictionary<string, T> Read<T>(string path) =>
        JsonSerializer.Deserialize<Dictionary<string, T>>(File.ReadAllText(path))
        ?? throw new InvalidDataException($"{path} is empty");
}
