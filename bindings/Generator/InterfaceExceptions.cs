using System.Text.Json;

namespace ElmMlx.BindingsGenerator;

/// <summary>What the headers do not say, as data (<c>exceptions.json</c>). Each fact must still be needed:
/// one that names nothing, or that the headers say themselves by now, is an error.</summary>
public sealed class InterfaceExceptions
{
    private readonly Dictionary<string, string> _leftOut = [];
    private readonly HashSet<(string Function, string Parameter)> _nullable = [];
    private readonly Dictionary<(string Function, string Parameter), string> _owned = [];

    private InterfaceExceptions()
    {
    }

    /// <summary>Reads the facts and checks each against the newest interface.</summary>
    /// <exception cref="InvalidDataException">A fact is stale; the message names it.</exception>
    public static InterfaceExceptions Read(string json, CInterface newest)
    {
        var functions = newest.Functions.ToDictionary(f => f.Name);
        var result = new InterfaceExceptions();
        using var document = JsonDocument.Parse(json);
        foreach (var section in document.RootElement.EnumerateObject())
        {
            foreach (var fact in section.Value.EnumerateObject())
            {
                if (!functions.TryGetValue(fact.Name, out var function))
                    throw Stale(section.Name, fact.Name, $"mlx-c {newest.Version} has no such function");
                if (section.Name == "left-out")
                    result._leftOut[fact.Name] = fact.Value.GetString()!;
                else if (section.Name == "nullable")
                    result.AddNullable(function, fact.Value, newest.Version);
                else if (section.Name == "owned")
                    result.AddOwned(function, fact.Value, newest.Version);
                else
                    throw new InvalidDataException($"exceptions.json has an unknown section \"{section.Name}\"");
            }
        }

        return result;
    }

    /// <summary>The functions that C# gets, with the facts added.</summary>
    public IEnumerable<FunctionDescription> Apply(CInterface api) =>
        from f in api.Functions
        where !_leftOut.ContainsKey(f.Name)
        select f with
        {
            Parameters =
            [
                .. f.Parameters.Select(p => p with { Nullable = p.Nullable || _nullable.Contains((f.Name, p.Name)) }),
            ],
        };

    /// <summary>Who owns what a parameter points to, in words; null where nothing changes hands.</summary>
    public string? Owner(string function, string parameter) => _owned.GetValueOrDefault((function, parameter));

    private void AddNullable(FunctionDescription function, JsonElement names, string version)
    {
        foreach (var name in names.EnumerateArray().Select(n => n.GetString()!))
        {
            var parameter = Find(function, name, "nullable", version);
            if (parameter.Nullable)
                throw Stale("nullable", $"{function.Name}.{name}", $"the headers of mlx-c {version} say so themselves");
            _nullable.Add((function.Name, name));
        }
    }

    private void AddOwned(FunctionDescription function, JsonElement facts, string version)
    {
        foreach (var fact in facts.EnumerateObject())
        {
            Find(function, fact.Name, "owned", version);
            _owned[(function.Name, fact.Name)] = fact.Value.GetString()!;
        }
    }

    private static CParameter Find(FunctionDescription function, string name, string section, string version) =>
        function.Parameters.FirstOrDefault(p => p.Name == name)
        ?? throw Stale(section, $"{function.Name}.{name}", $"mlx-c {version} has no such parameter");

    private static InvalidDataException Stale(string section, string fact, string why) =>
        new($"exceptions.json, \"{section}\": {fact} is stale, {why}; remove it");
}
