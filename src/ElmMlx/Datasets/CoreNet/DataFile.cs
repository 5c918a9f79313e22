namespace ElmMlx.Datasets;

/// <summary>A file of documents.</summary>
/// <param name="Path">Where it lies; the end of the name tells its format.</param>
/// <param name="TextKey">The key, or the column, that holds the text.</param>
internal sealed record DataFile(string Path, string TextKey)
{
    /// <summary>The documents in their order, read as they are asked for.</summary>
    /// <param name="skip">Documents that are passed over at the beginning.</param>
    /// <exception cref="InvalidDataException">The file is not of its format, or the format is not known.</exception>
    public IEnumerable<Document> Read(int skip = 0) => Format switch
    {
        DataFormat.Parquet => ParquetDocuments.Read(Path, TextKey, skip),
        DataFormat.ZippedJsonLines => JsonLineDocuments.Read(Path, TextKey, isZipped: true).Skip(skip),
        _ => JsonLineDocuments.Read(Path, TextKey, isZipped: false).Skip(skip),
    };

    /// <summary>What the name says.</summary>
    public DataFormat Format => Path.EndsWith("parquet", StringComparison.Ordinal) ? DataFormat.Parquet
        : Path.EndsWith("json.gz", StringComparison.Ordinal) || Path.EndsWith("jsonl.gz", StringComparison.Ordinal)
            ? DataFormat.ZippedJsonLines
        : Path.EndsWith("jsonl", StringComparison.Ordinal) ? DataFormat.JsonLines
        : throw new InvalidDataException(
            $"{Path}: the end of the name tells the format, and it is none of .jsonl, .json.gz, .jsonl.gz, .parquet.");
}
