namespace ElmMlx.Datasets;

/// <summary>Rows that are trained on together.</summary>
/// <param name="Rows">B rows of the same shard.</param>
internal sealed record CoreNetBatch(IReadOnlyList<CoreNetRow> Rows)
{
    /// <summary>Tokens of a row, L.</summary>
    public int Length => Rows[0].Ids.Length - 1;

    /// <summary>[B, L] int32.</summary>
    public MlxArray Inputs() => Columns(0);

    /// <summary>[B, L] int32.</summary>
    public MlxArray Targets() => Columns(1);

    /// <summary>The rows in words: <c>a.jsonl document 3</c>.</summary>
    public string Describe() => string.Join("; ", Rows
        .GroupBy(row => row.Path)
        .Select(file => $"{file.Key} {Numbers([.. file.Select(row => row.Document).Distinct()])}"));

    private static string Numbers(int[] documents) =>
        documents.Length == 1 ? $"document {documents[0]}" : $"documents {string.Join(", ", documents)}";

    private MlxArray Columns(int first)
    {
        var ids = new int[Rows.Count * Length];
        for (int row = 0; row < Rows.Count; row++)
            Rows[row].Ids.AsSpan(first, Length).CopyTo(ids.AsSpan(row * Length));
        return MlxArray.From<int>(ids, Rows.Count, Length);
    }
}
