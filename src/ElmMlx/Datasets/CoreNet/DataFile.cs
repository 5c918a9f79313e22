using System.Globalization;
using System.Text.Json;

namespace ElmMlx.Datasets;

/// <summary>A file of documents.</summary>
/// <param name="Path">Where it lies; the end of the name tells its format.</param>
/// <param name="TextKey">The key, or the column, that holds the text.</param>
internal sealed record DataFile(string Path, string TextKey)
{
    /// <summary>The documents in their order, read as they are asked for.</summary>
    /// <param name="skip">Documents that are passed over at the beginning.</param>
    /// <exception cref="InvalidDataException">The file is not of its format, or the format is not known.</exception>
    public IEnumerable<Document> Read(int skip = 0) => Path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase)
        ? ParquetDocuments.Read(Path, TextKey, skip)
        : DataRecords.Read(Path).Skip(skip).Select(DocumentOf);

    private Document DocumentOf(DataRecord record)
    {
        string line = $"line {record.Line.ToString(CultureInfo.InvariantCulture)}";
        if (record.Defect is { } defect)
            return Document.Bad($"{line}: {defect.TrimEnd('.')}");
        if (!record.Value.TryGetProperty(TextKey, out JsonElement text))      // of a repeated key the last one holds
            return Document.Bad($"{line}: the object has no key '{TextKey}'");
        return text.ValueKind == JsonValueKind.String
            ? Document.Of(JsonTexts.Read(text))
            : Document.Bad($"{line}: '{TextKey}' is {JsonKinds.Name(text)}, not a text");
    }
}
