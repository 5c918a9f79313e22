using System.Buffers;
using System.Text.Json;
using Parquet;
using Parquet.Schema;

namespace ElmMlx.Datasets;

/// <summary>
/// Rows of a parquet file as JSON objects of their columns of texts. Other columns are left out: conversations, which are
/// lists, are read from JSON lines.
/// </summary>
internal static class ParquetRecords
{
    public static IEnumerable<DataRecord> Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        ParquetReader reader = Guard(path, () => ParquetReader.CreateAsync(file).GetAwaiter().GetResult());
        long line = 0;
        for (int i = 0; i < reader.RowGroupCount; i++)
        {
            JsonElement[] rows = Guard(path, () =>
            {
                using ParquetRowGroupReader group = reader.OpenRowGroupReader(i);
                return ReadGroup(group, reader.Schema);
            });
            foreach (JsonElement row in rows)
                yield return new DataRecord(++line, row);
        }
    }

    private static JsonElement[] ReadGroup(ParquetRowGroupReader group, ParquetSchema schema)
    {
        int count = checked((int)group.RowCount);
        var columns = new List<(string Name, Action<Utf8JsonWriter>?[] Values)>();
        foreach (Field field in schema.Fields)
        {
            if (field is DataField data && IsText(data))
                columns.Add((field.Name, Values(Texts(group, data))));
        }
        var rows = new JsonElement[count];
        var buffer = new ArrayBufferWriter<byte>();
        for (int row = 0; row < count; row++)
        {
            buffer.ResetWrittenCount();
            using (var writer = new Utf8JsonWriter(buffer))
            {
                writer.WriteStartObject();
                foreach ((string name, Action<Utf8JsonWriter>?[] values) in columns)
                {
                    writer.WritePropertyName(name);
                    if (values[row] is { } write)
                        write(writer);
                    else
                        writer.WriteNullValue();
                }
                writer.WriteEndObject();
            }
            rows[row] = JsonElement.Parse(buffer.WrittenSpan);
        }
        return rows;
    }

    /// <summary>Whether a column has one text a row; the library's own type for texts is a memory of characters.</summary>
    public static bool IsText(DataField field) => !field.IsArray && field.MaxRepetitionLevel == 0
        && (field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>));

    /// <summary>A column of one row group; null where a row has none.</summary>
    public static string?[] Texts(ParquetRowGroupReader group, DataField field)
    {
        var texts = new string?[checked((int)group.RowCount)];
        group.ReadAsync(field, texts.AsMemory()!).AsTask().GetAwaiter().GetResult();
        return texts;
    }

    private static Action<Utf8JsonWriter>?[] Values(string?[] texts) =>
        [.. texts.Select(text => text is null ? null : (Action<Utf8JsonWriter>)(w => w.WriteStringValue(text)))];

    /// <summary>Reads; the library answers broken files with exceptions of many kinds, which all become one.</summary>
    public static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new InvalidDataException($"{path} cannot be read as parquet: {e.Message}", e);
        }
    }
}
