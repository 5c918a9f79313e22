using System.Text;
using System.Text.Json;

namespace ElmMlx.BindingsGenerator;

/// <summary>Descriptions as JSON: one declaration a line, so that two versions' difference reads as a list.</summary>
public static class CInterfaceJson
{
    /// <summary>Writes a description; the same description gives the same bytes.</summary>
    public static string Write(CInterface api)
    {
        var text = new StringBuilder("{\n");
        text.Append("\"version\": ").Append(Quote(api.Version)).Append(",\n");
        Section(text, "enums", api.Enums, e =>
            $"{{\"name\": {Quote(e.Name)}, \"header\": {Quote(e.Header)}, \"members\": {{"
            + string.Join(", ", e.Members.Select(m => $"{Quote(m.Name)}: {m.Value}")) + "}}");
        Section(text, "structs", api.Structs, s =>
            $"{{\"name\": {Quote(s.Name)}, \"header\": {Quote(s.Header)}, \"fields\": {Parameters(s.Fields)}}}");
        Section(text, "callbacks", api.Callbacks, c =>
            $"{{\"name\": {Quote(c.Name)}, \"header\": {Quote(c.Header)}, \"type\": {Quote(c.Type)}}}");
        Section(text, "functions", api.Functions, f =>
            $"{{\"name\": {Quote(f.Name)}, \"header\": {Quote(f.Header)}, \"returns\": {Quote(f.Returns)}, "
            + $"\"parameters\": {Parameters(f.Parameters)}{(f.Variadic ? ", \"variadic\": true" : "")}}}");
        text.Length -= 2; // the last section's comma
        return text.Append("\n}\n").ToString();
    }

    /// <summary>Reads a description.</summary>
    /// <exception cref="InvalidDataException">The text is not such a description.</exception>
    public static CInterface Read(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            return new(
                Text(root, "version"),
                [.. root.GetProperty("enums").EnumerateArray().Select(e => new CEnum(
                    Text(e, "name"), Text(e, "header"),
                    [.. e.GetProperty("members").EnumerateObject()
                        .Select(m => new CEnumMember(m.Name, m.Value.GetInt64()))]))],
                [.. root.GetProperty("structs").EnumerateArray().Select(s => new CStruct(
                    Text(s, "name"), Text(s, "header"), ReadParameters(s.GetProperty("fields"))))],
                [.. root.GetProperty("callbacks").EnumerateArray().Select(c => new CCallback(
                    Text(c, "name"), Text(c, "header"), Text(c, "type")))],
                [.. root.GetProperty("functions").EnumerateArray().Select(f => new FunctionDescription(
                    Text(f, "name"), Text(f, "header"), Text(f, "returns"),
                    ReadParameters(f.GetProperty("parameters")), f.TryGetProperty("variadic", out _)))]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InvalidDataException($"not a description of the MLX C interface: {e.Message}", e);
        }
    }

    private static void Section<T>(StringBuilder text, string name, IReadOnlyList<T> items, Func<T, string> line) =>
        text.Append(Quote(name)).Append(": [\n  ")
            .AppendJoin(",\n  ", items.Select(line)).Append("\n],\n");

    private static string Parameters(IReadOnlyList<CParameter> parameters) =>
        "[" + string.Join(", ", parameters.Select(Parameter)) + "]";

    private static string Parameter(CParameter p) =>
        $"{{\"name\": {Quote(p.Name)}, \"type\": {Quote(p.Type)}{(p.Nullable ? ", \"nullable\": true" : "")}}}";

    private static List<CParameter> ReadParameters(JsonElement list) =>
        [.. list.EnumerateArray().Select(p =>
            new CParameter(Text(p, "name"), Text(p, "type"), p.TryGetProperty("nullable", out _)))];

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static string Quote(string text) => "\"" + JsonEncodedText.Encode(text, EncoderForC) + "\"";

    private static readonly System.Text.Encodings.Web.JavaScriptEncoder EncoderForC =
        System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
}
