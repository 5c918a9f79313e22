using System.Text.Json;

namespace ElmMlx.Tests;

/// <summary>All cases of the golden data on operations and random numbers, by operation.</summary>
internal static class GoldenCases
{
    private static readonly Lazy<ILookup<string, GoldenCase>> All = new(Load);

    public static IEnumerable<string> Operations => All.Value.Select(group => group.Key).Order(StringComparer.Ordinal);

    public static int Count => All.Value.Sum(group => group.Count());

    public static IEnumerable<GoldenCase> Of(string operation) => All.Value[operation];

    private static ILookup<string, GoldenCase> Load() =>
        new[] { "ops", "random" }.SelectMany(LoadFolder).ToLookup(golden => golden.Operation, StringComparer.Ordinal);

    private static IEnumerable<GoldenCase> LoadFolder(string folder)
    {
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path($"{folder}/manifest.json")));
        var tensors = new GoldenTensors(Directory.GetFiles(Fixtures.Path(folder), "*.safetensors"));
        return [.. manifest.RootElement.GetProperty("cases").EnumerateArray()
            .Select(record => new GoldenCase(tensors, record.Clone()))];
    }
}
