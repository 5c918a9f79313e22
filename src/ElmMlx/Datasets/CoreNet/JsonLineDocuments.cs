using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace ElmMlx.Datasets;

/// <summary>Documents of a file with one JSON object a line; blank lines are none.</summary>
internal static class JsonLineDocuments
{
    public static IEnumerable<Document> Read(string path, string key, bool isZipped)
    {
        using FileStream file = File.OpenRead(path);
        using Stream stream = isZipped ? new GZipStream(file, CompressionMode.Decompress) : file;
        var lines = new ByteLines(stream, path);
        byte[] name = Encoding.UTF8.GetBytes(key);
        while (lines.MoveNext())
        {
            if (!IsBlank(lines.Current.Span))
                yield return Parse(lines.Current.Span, name, key, lines.Number);
        }
    }

    private static bool IsBlank(ReadOnlySpan<byte> line) => line.IndexOfAnyExcept(" \t\r\f\v"u8) < 0;

    private static Document Parse(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name, string key, long number)
    {
        string where = $"line {number.ToString(CultureInfo.InvariantCulture)}";
        if (!Utf8.IsValid(line))
            return Document.Bad($"{where} is not UTF-8");
        try
        {
            var json = new Utf8JsonReader(line);
            json.Read();
            if (json.TokenType != JsonTokenType.StartObject)
                return Document.Bad($"{where} is not a JSON object");
            Document found = Document.Bad($"{where} has no key '{key}'");
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                bool isText = json.ValueTextEquals(name);
                json.Read();
                if (isText)         // of a repeated key the last one holds
                    found = json.TokenType == JsonTokenType.String
                        ? Document.Of(JsonTexts.Read(json))
                        : Document.Bad($"{where} has under '{key}' {Kind(json.TokenType)}, not a text");
                json.Skip();
            }
            json.Read();            // anything behind the object is refused
            return found;
        }
        catch (JsonException e)
        {
            string place = e.BytePositionInLine is { } at ? $" (byte {at + 1})" : "";
            return Document.Bad($"{where} is not valid JSON{place}");
        }
    }

    private static string Kind(JsonTokenType type) => type switch
    {
        JsonTokenType.Null => "null",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "true or false",
        JsonTokenType.StartArray => "a list",
        _ => "an object",
    };
}
