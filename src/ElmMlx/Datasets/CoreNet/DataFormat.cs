namespace ElmMlx.Datasets;

/// <summary>How a data file holds its documents.</summary>
internal enum DataFormat
{
    /// <summary>One JSON object a line.</summary>
    JsonLines,

    /// <summary>The same, compressed with gzip.</summary>
    ZippedJsonLines,

    /// <summary>One row a document.</summary>
    Parquet,
}
