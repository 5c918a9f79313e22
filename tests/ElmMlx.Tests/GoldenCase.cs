using System.Text.Json;

namespace ElmMlx.Tests;

/// <summary>One record of a manifest of the golden data; its fields are those of the README beside it.</summary>
internal sealed class GoldenCase(GoldenTensors tensors, JsonElement record)
{
    public GoldenTensors Tensors => tensors;

    public JsonElement Record => record;

    public string Name => record.TryGetProperty("name", out JsonElement name) ? name.GetString()! : Operation;

    /// <summary>The C function without <c>mlx_</c>.</summary>
    public string Operation => record.GetProperty("op").GetString()!;

    public string? Transform => Text("transform");

    public string? Compare => Text("compare");

    public bool IsRefused => record.TryGetProperty("error", out JsonElement error) && error.GetBoolean();

    public JsonElement Arguments => record.GetProperty("args");

    /// <summary>Keys of the inputs: a text, null, or a list of texts.</summary>
    public JsonElement[] Inputs => [.. record.GetProperty("inputs").EnumerateArray()];

    public GoldenTensor[] Outputs => Keys(record.GetProperty("outputs"))!;

    public GoldenTensor[]? Exact => record.TryGetProperty("exact", out JsonElement exact) ? Keys(exact) : null;

    public double Tolerance(string kind) =>
        record.GetProperty("tolerance").TryGetProperty(kind, out JsonElement value) ? value.GetDouble() : 0;

    /// <summary>Tensors by key; null keys are null.</summary>
    public GoldenTensor?[] Optional(JsonElement keys) =>
        [.. keys.EnumerateArray()
            .Select(key => key.ValueKind == JsonValueKind.Null ? null : tensors[key.GetString()!])];

    private GoldenTensor[] Keys(JsonElement keys) =>
        [.. keys.EnumerateArray().Select(key => tensors[key.GetString()!])];

    private string? Text(string field) =>
        record.TryGetProperty(field, out JsonElement value) ? value.GetString() : null;
}
