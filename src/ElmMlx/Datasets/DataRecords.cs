using System.IO.Compression;
using System.Text.Json;
using System.Text.Unicode;

namespace ElmMlx.Datasets;

/// <summary>Reads the records of <c>.jsonl</c>, <c>.jsonl.gz</c>, <c>.json.gz</c> and <c>.parquet</c> files.</summary>
internal static class DataRecords
{
    /// <summary>The ends of the names of files that can be read.</summary>
    public static readonly string[] Extensions = [".jsonl", ".jsonl.gz", ".json.gz", ".parquet"];

    private const int MaxLineBytes = 64 << 20;
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 64 };
    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>The records in their order; lines of white space are none.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keys">What is looked at, so that other columns of a parquet file are not read; null for
    /// everything.</param>
    /// <exception cref="InvalidDataException">The file is not of a kind that can be read, or broken.</exception>
    public static IEnumerable<DataRecord> Read(string path, IReadOnlyCollection<string>? keys = null)
    {
        if (path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase))
            return ParquetRecords.Read(path, keys);
        if (Extensions.Any(extension => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase)))
            return ReadLines(path, isZipped: path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase));
        throw new InvalidDataException(
            $"{path} is not a data file: its name must end in {string.Join(", ", Extensions)}.");
    }

    private static IEnumerable<DataRecord> ReadLines(string path, bool isZipped)
    {
        using FileStream file = File.OpenRead(path);
        using Stream stream = isZipped ? new GZipStream(file, CompressionMode.Decompress) : file;
        var lines = new BoundedLines(stream, MaxLineBytes);
        for (long line = 1; Next(lines, path, line); line++)
        {
            if (lines.IsTooLong)
            {
                yield return new DataRecord(line, default, $"the line is longer than {MaxLineBytes >> 20} MiB.");
                continue;
            }
            if (Parse(lines.Current.Span, line) is { } record)
                yield return record;
        }
    }

    private static bool Next(BoundedLines lines, string path, long line)
    {
        try
        {
            return lines.MoveNext();
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException(
                $"{path} cannot be unzipped beyond line {line - 1}; fetch the file again.", e);
        }
    }

    private static DataRecord? Parse(ReadOnlySpan<byte> line, long number)
    {
        if (number == 1 && line.StartsWith(ByteOrderMark))
            line = line[ByteOrderMark.Length..];
        if (line.Trim(" \t\r"u8).IsEmpty)
            return null;
        if (!Utf8.IsValid(line))
            return new DataRecord(number, default, "the line is not UTF-8.");
        try
        {
            JsonElement value = JsonElement.Parse(line, Strict);
            return value.ValueKind == JsonValueKind.Object
                ? new DataRecord(number, value)
                : new DataRecord(number, default, $"the line is {JsonKinds.Name(value)}, not a JSON object.");
        }
        catch (JsonException e)
        {
            return new DataRecord(number, default, $"the line is not valid JSON (byte {e.BytePositionInLine + 1}).");
        }
    }
}
