using System.Buffers;
using System.Text.Json;
using Parquet;
using Parquet.Schema;

namespace ElmMlx.Datasets;

/// <summary>
/// Rows of a parquet file as the JSON objects that they would be in JSON lines; one row group is in memory at a time.
/// </summary>
internal static class ParquetRecords
{
    /// <param name="path">The file.</param>
    /// <param name="keys">The columns that are wanted; null takes all that can be JSON values.</param>
    /// <exception cref="InvalidDataException">The file is broken, or a wanted column is of a type without JSON
    /// values.</exception>
    public static IEnumerable<DataRecord> Read(string path, IReadOnlyCollection<string>? keys = null)
    {
        using FileStream file = File.OpenRead(path);
        ParquetReader reader = Guard(path, () => ParquetReader.CreateAsync(file).GetAwaiter().GetResult());
        Field[] fields = Guard(path, () => reader.Schema.Fields.Where(field =>
            keys?.Contains(field.Name) ?? ParquetColumn.Unreadable(field) is null).ToArray());
        if (fields.Select(ParquetColumn.Unreadable).FirstOrDefault(name => name is not null) is { } unreadable)
            throw new InvalidDataException(
                $"{path}: the column {unreadable} is of a type that is not read; texts, numbers, true or false, " +
                "and lists and structures of these are. Write the file again without it, or as JSON lines.");
        long line = 0;
        for (int i = 0; i < reader.RowGroupCount; i++)
        {
            JsonElement[] rows = Guard(path, () =>
            {
                using ParquetRowGroupReader group = reader.OpenRowGroupReader(i);
                return ReadGroup(group, fields);
            });
            foreach (JsonElement row in rows)
                yield return new DataRecord(++line, row);
        }
    }

    private static JsonElement[] ReadGroup(ParquetRowGroupReader group, Field[] fields)
    {
        var columns = new List<ParquetColumn>();
        try
        {
            foreach (Field field in fields)
                columns.Add(ParquetColumn.Read(group, field));
            var rows = new JsonElement[checked((int)group.RowCount)];
            var buffer = new ArrayBufferWriter<byte>();
            for (int row = 0; row < rows.Length; row++)
            {
                buffer.ResetWrittenCount();
                using (var writer = new Utf8JsonWriter(buffer))
                {
                    writer.WriteStartObject();
                    for (int i = 0; i < fields.Length; i++)
                    {
                        writer.WritePropertyName(fields[i].Name);
                        columns[i].Write(writer);
                    }
                    writer.WriteEndObject();
                }
                rows[row] = JsonElement.Parse(buffer.WrittenSpan);
            }
            return rows;
        }
        finally
        {
            foreach (ParquetColumn column in columns)
                column.Dispose();
        }
    }

    /// <summary>
    /// Whether a column has one text a row; the library's own type for texts is a memory of characters.
    /// </summary>
    public static bool IsText(DataField field) => !field.IsArray && field.MaxRepetitionLevel == 0
        && (field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>));

    /// <summary>A column of one row group; null where a row has none.</summary>
    public static string?[] Texts(ParquetRowGroupReader group, DataField field)
    {
        var texts = new string?[checked((int)group.RowCount)];
        group.ReadAsync(field, texts.AsMemory()!).AsTask().GetAwaiter().GetResult();
        return texts;
    }

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
