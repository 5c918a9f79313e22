namespace ElmMlx.Datasets;

/// <summary>The rows of one data file, tokenised, none longer than a sequence may be.</summary>
public sealed class TokenDataset
{
    private TokenDataset(string path, DatasetKind? kind, IReadOnlyList<TokenRow> rows, DatasetReport report)
    {
        Path = path;
        Kind = kind;
        Rows = rows;
        Report = report;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What its records hold; null where there are none.</summary>
    public DatasetKind? Kind { get; }

    /// <summary>The rows that have something to learn.</summary>
    public IReadOnlyList<TokenRow> Rows { get; }

    /// <summary>What was read, cut and left out.</summary>
    public DatasetReport Report { get; }

    /// <summary>Reads a data file: <c>.jsonl</c>, <c>.jsonl.gz</c>, <c>.json.gz</c> or <c>.parquet</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tokenizer">Makes rows of its records.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A record cannot be read (its line and the reason are named), unless
    /// such records are to be left out; or the file holds texts, in which no prompt can be masked.</exception>
    public static TokenDataset Load(string path, RowTokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(tokenizer);
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no data file {path}.", path);
        var reader = new RecordReader(tokenizer);
        var rows = new RowCollector(tokenizer.Options);
        foreach (DataRecord record in DataRecords.Read(path, reader.Keys))
        {
            try
            {
                TokenRow row = reader.Read(record);
                if (reader.Kind == DatasetKind.Text && tokenizer.Options.MaskPrompt)
                    break;
                rows.Add(row);
            }
            catch (Exception e) when (e is FormatException or InvalidDataException)
            {
                string sentence = $"{path}, line {record.Line}: {e.Message}";
                if (!tokenizer.Options.SkipBadLines)
                    throw new InvalidDataException($"{sentence} Correct the line, or skip bad lines.", e);
                rows.Skip(sentence);
            }
        }
        if (reader.Kind == DatasetKind.Text && tokenizer.Options.MaskPrompt)
            throw new InvalidDataException(
                $"{path} holds texts, which have no prompt to mask; give completions or conversations, or train " +
                "without masking prompts.");
        return new TokenDataset(path, reader.Kind, rows.Rows, rows.Report());
    }

    /// <summary>Where a row came from, for messages: <c>train.jsonl, line 12</c>.</summary>
    public string Place(int row) => $"{Path}, line {Rows[row].Record}";
}
