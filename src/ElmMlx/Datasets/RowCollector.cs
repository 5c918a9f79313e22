namespace ElmMlx.Datasets;

/// <summary>Rows as they are read: cut to length, checked, counted.</summary>
internal sealed class RowCollector
{
    private const int MaxReasons = 100;

    private readonly DatasetOptions _options;
    private readonly List<TokenRow> _rows = [];
    private readonly List<string> _reasons = [];
    private long _records;
    private int _truncated;
    private long _truncatedTokens;
    private int _split;
    private int _nothingToLearn;
    private int _skipped;

    public RowCollector(DatasetOptions options) => _options = options;

    public IReadOnlyList<TokenRow> Rows => _rows;

    /// <exception cref="FormatException">A token is not in the model's vocabulary.</exception>
    public void Add(TokenRow row)
    {
        CheckVocabulary(row, _options.VocabularySize);
        _records++;
        foreach (TokenRow piece in Fit(row))
        {
            if (piece.LearnedCount > 0)
                _rows.Add(piece);
            else
                _nothingToLearn++;
        }
    }

    /// <summary>Counts a record that cannot be read.</summary>
    public void Skip(string reason)
    {
        _records++;
        _skipped++;
        if (_reasons.Count < MaxReasons)
            _reasons.Add(reason);
    }

    public DatasetReport Report() => new()
    {
        Records = _records,
        Rows = _rows.Count,
        Tokens = _rows.Sum(row => (long)row.Length),
        LearnedTokens = _rows.Sum(row => (long)row.LearnedCount),
        Truncated = _truncated,
        TruncatedTokens = _truncatedTokens,
        Split = _split,
        NothingToLearn = _nothingToLearn,
        Skipped = _skipped,
        SkippedReasons = _reasons,
    };

    /// <exception cref="FormatException">A token is not in a vocabulary of that size.</exception>
    public static void CheckVocabulary(TokenRow row, int? vocabularySize)
    {
        if (vocabularySize is not { } size)
            return;
        foreach (int id in row.Ids)
        {
            if (id >= size)
                throw new FormatException(
                    $"the tokenizer gives token {id}, and the model's vocabulary has {size}; take the model's own " +
                    "tokenizer.");
        }
    }

    private IEnumerable<TokenRow> Fit(TokenRow row)
    {
        int most = _options.MaxSequenceLength;
        if (row.Length <= most)
            return [row];
        if (_options.LongRows == LongRows.Truncate)
        {
            _truncated++;
            _truncatedTokens += row.Length - most;
            return [row.Slice(0, most)];
        }
        _split++;
        return Pieces(row, most);
    }

    // The last token of a piece is the first of the next: it is learnt in the one, and what follows it in the other.
    private static IEnumerable<TokenRow> Pieces(TokenRow row, int most)
    {
        for (int start = 0; start < row.Length - 1; start += most - 1)
            yield return row.Slice(start, Math.Min(most, row.Length - start));
    }
}
