using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>Token ids in JSON: whole numbers that fit an array index.</summary>
internal static class JsonIds
{
    public static int Read(JsonElement json, string owner) =>
        json.ValueKind == JsonValueKind.Number && json.TryGetInt32(out var id) && id >= 0
            ? id
            : throw new FormatException(
                $"{owner} has the id {json.GetRawText()}; ids are whole numbers from 0 to 2147483647");
}
