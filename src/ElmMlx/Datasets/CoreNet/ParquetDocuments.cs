using Parquet;
using Parquet.Schema;

namespace ElmMlx.Datasets;

/// <summary>Documents of one column of a parquet file, one row group in memory at a time.</summary>
internal static class ParquetDocuments
{
    public static IEnumerable<Document> Read(string path, string column, int skip)
    {
        using FileStream file = File.OpenRead(path);
        ParquetReader reader =
            ParquetRecords.Guard(path, () => ParquetReader.CreateAsync(file).GetAwaiter().GetResult());
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
            string?[] texts = ParquetRecords.Guard(path, () => ParquetRecords.Texts(group, field));
            for (int row = skip; row < rows; row++)
                yield return texts[row] is { } text
                    ? Document.Of(text)
                    : Document.Bad($"'{column}' is null, not a text");
            skip = 0;
        }
    }

    private static DataField Find(ParquetSchema schema, string path, string column)
    {
        DataField? field = Array.Find(schema.GetDataFields(), field => field.Path.ToString() == column);
        if (field is null)
            throw new InvalidDataException(
                $"{path} has no column '{column}'; it has " +
                    $"{string.Join(", ", schema.GetDataFields().Select(f => f.Path))}.");
        return ParquetRecords.IsText(field)
            ? field
            : throw new InvalidDataException($"{path}: the column '{column}' does not hold texts.");
    }
}
