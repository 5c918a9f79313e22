using System.Text.Json;

namespace ElmMlx.Datasets;

/// <summary>What to call a JSON value in a sentence.</summary>
internal static class JsonKinds
{
    public static string Name(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        _ => "null",
    };
}
