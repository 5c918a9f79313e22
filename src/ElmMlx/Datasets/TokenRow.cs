namespace ElmMlx.Datasets;

/// <summary>One tokenised example: its ids, and which of them the model is to learn.</summary>
/// <remarks>
/// A token is learnt as the target of the one before it, so the first token of a row never counts.
/// </remarks>
public sealed class TokenRow
{
    private readonly int[] _ids;
    private readonly bool[] _learned;

    /// <summary>A row of its own ids.</summary>
    /// <param name="ids">Token ids; not copied.</param>
    /// <param name="learned">For each id whether it is to be learnt; not copied.</param>
    /// <param name="record">Which record of the file it came from: the line, from 1.</param>
    /// <exception cref="ArgumentException">The two have different lengths.</exception>
    public TokenRow(int[] ids, bool[] learned, long record = 0)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(learned);
        if (ids.Length != learned.Length)
            throw new ArgumentException(
                $"A row has {ids.Length} ids, but says of {learned.Length} whether they are learnt.", nameof(learned));
        _ids = ids;
        _learned = learned;
        Record = record;
        for (int i = 1; i < learned.Length; i++)
            LearnedCount += learned[i] ? 1 : 0;
    }

    /// <summary>The token ids.</summary>
    public ReadOnlySpan<int> Ids => _ids;

    /// <summary>For each id whether it is to be learnt; the first one's flag means nothing.</summary>
    public ReadOnlySpan<bool> Learned => _learned;

    /// <summary>The number of tokens.</summary>
    public int Length => _ids.Length;

    /// <summary>The number of targets that count.</summary>
    public int LearnedCount { get; }

    /// <summary>The line of the file that it came from, from 1; 0 where there is no file.</summary>
    public long Record { get; }

    /// <summary>A row that learns everything from one token on, as mlx-lm writes it: ids and an offset.</summary>
    /// <param name="ids">Token ids; not copied.</param>
    /// <param name="offset">The first id that is learnt.</param>
    public static TokenRow From(int[] ids, int offset = 0)
    {
        ArgumentNullException.ThrowIfNull(ids);
        bool[] learned = new bool[ids.Length];
        learned.AsSpan(Math.Min(offset, ids.Length)).Fill(true);
        return new TokenRow(ids, learned);
    }

    /// <summary>The row with the line it came from.</summary>
    internal TokenRow At(long record) => new(_ids, _learned, record);

    /// <summary>A part of the row as a row.</summary>
    /// <param name="start">Its first token.</param>
    /// <param name="length">How many tokens.</param>
    internal TokenRow Slice(int start, int length) =>
        new(_ids[start..(start + length)], _learned[start..(start + length)], Record);
}
