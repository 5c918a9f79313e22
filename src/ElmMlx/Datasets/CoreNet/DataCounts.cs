using System.Text.Json;

namespace ElmMlx.Datasets;

/// <summary>What became of the documents that were read, repetitions of later epochs included.</summary>
public sealed record DataCounts
{
    /// <summary>Documents with a text.</summary>
    public long Documents { get; init; }

    /// <summary>Documents that could not be read and were passed over.</summary>
    public long BadDocuments { get; init; }

    /// <summary>Pieces with fewer characters than asked for.</summary>
    public long TooFewCharacters { get; init; }

    /// <summary>Pieces with fewer tokens than asked for.</summary>
    public long TooFewTokens { get; init; }

    /// <summary>Rows that were made.</summary>
    public long Rows { get; init; }

    /// <summary>Rows whose piece was longer.</summary>
    public long CutRows { get; init; }

    /// <summary>Tokens of those pieces that are in no row.</summary>
    public long CutTokens { get; init; }

    internal static DataCounts Sum(IEnumerable<DataCounts> counts) => counts.Aggregate(new DataCounts(), (a, b) => new()
    {
        Documents = a.Documents + b.Documents,
        BadDocuments = a.BadDocuments + b.BadDocuments,
        TooFewCharacters = a.TooFewCharacters + b.TooFewCharacters,
        TooFewTokens = a.TooFewTokens + b.TooFewTokens,
        Rows = a.Rows + b.Rows,
        CutRows = a.CutRows + b.CutRows,
        CutTokens = a.CutTokens + b.CutTokens,
    });

    internal void Write(Utf8JsonWriter json)
    {
        json.WriteNumber("documents", Documents);
        json.WriteNumber("bad_documents", BadDocuments);
        json.WriteNumber("too_few_characters", TooFewCharacters);
        json.WriteNumber("too_few_tokens", TooFewTokens);
        json.WriteNumber("rows", Rows);
        json.WriteNumber("cut_rows", CutRows);
        json.WriteNumber("cut_tokens", CutTokens);
    }

    internal static DataCounts Read(JsonElement json) => new()
    {
        Documents = json.GetProperty("documents").GetInt64(),
        BadDocuments = json.GetProperty("bad_documents").GetInt64(),
        TooFewCharacters = json.GetProperty("too_few_characters").GetInt64(),
        TooFewTokens = json.GetProperty("too_few_tokens").GetInt64(),
        Rows = json.GetProperty("rows").GetInt64(),
        CutRows = json.GetProperty("cut_rows").GetInt64(),
        CutTokens = json.GetProperty("cut_tokens").GetInt64(),
    };
}
