using System.Text.Json;

namespace ElmMlx.Datasets;

/// <summary>One record of a data file, or why it cannot be read.</summary>
/// <param name="Line">The line it stands in, from 1; of a parquet file the row.</param>
/// <param name="Value">A JSON object, unless there is a defect.</param>
/// <param name="Defect">What is wrong, as a sentence.</param>
internal readonly record struct DataRecord(long Line, JsonElement Value, string? Defect = null);
