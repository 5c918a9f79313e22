using Parquet;
using Parquet.Schema;

namespace ElmMlx.Datasets;

/// <summary>Documents of one column of a parquet file, one row group in memory at a time.</summary>
internal static class ParquetDocuments
{
    public static IEnumerable<Document> Read(string path, string column, int skip)
    {
        using FileStream file = File.OpenRead(path);
        ParquetReader reader = Guard(path, () => ParquetReader.CreateAsync(file).GetAwaiter().GetResult());
        DataField field = Find(reader.Schema, path, column);
        for (int i = 0; i < reader.RowGroupCount; i++)
        {
            using ParquetRowGroupReader group = reader.OpenRowGroupReader(i);
            int rows = checked((int)group.RowCount);
            if (skip >= rows)
            {
                skip -= rows;
                continue;
            }
            string?[] texts = Guard(path, () => Texts(group, field, rows));
            for (int row = skip; row < rows; row++)
                yield return texts[row] is { } text
                    ? Document.Of(text)
                    : Document.Bad($"the column '{column}' has null, not a text");
            skip = 0;
        }
    }

    private static string?[] Texts(ParquetRowGroupReader group, DataField field, int rows)
    {
        var texts = new string?[rows];
        group.ReadAsync(field, texts.AsMemory()!).AsTask().GetAwaiter().GetResult();
        return texts;
    }

    private static DataField Find(ParquetSchema schema, string path, string column)
    {
        DataField? field = Array.Find(schema.GetDataFields(), field => field.Path.ToString() == column);
        if (field is null)
            throw new InvalidDataException(
                $"{path} has no column '{column}'; it has {string.Join(", ", schema.GetDataFields().Select(f => f.Path))}.");
        bool isText = field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>);
        if (!isText || field.IsArray || field.MaxRepetitionLevel > 0)
            throw new InvalidDataException($"{path}: the column '{column}' does not hold texts.");
        return field;
    }

    // The library answers broken files with exceptions of many kinds.
    private static T Guard<T>(string path, Func<T> read)
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
