namespace ElmMlx.Datasets;

// Shapes: B sequences, L = their width in tokens less one.

/// <summary>
/// A batch: what goes in, what is to come out, and which of it counts. It owns its arrays; no scope frees them.
/// </summary>
public sealed class Batch : IDisposable
{
    private Batch(MlxArray inputs, MlxArray targets, MlxArray mask, MlxArray? attention, int[] places, int[] rows)
    {
        Inputs = Own(inputs);
        Targets = Own(targets);
        Mask = Own(mask);
        Attention = attention is null ? AttentionMask.Causal : AttentionMask.Of(Own(attention));
        Places = places;
        Rows = rows;
    }

    /// <summary>Token ids, int32 [B, L]; filled up with 0.</summary>
    public MlxArray Inputs { get; }

    /// <summary>The token after each input, int32 [B, L].</summary>
    public MlxArray Targets { get; }

    /// <summary>1 where the target counts, else 0, float32 [B, L]. Filling never counts.</summary>
    public MlxArray Mask { get; }

    /// <summary>
    /// Causal; for packed rows a bool array [B, 1, L, L] that is true where a query sees a key: an earlier token
    /// of its own row.
    /// </summary>
    public AttentionMask Attention { get; }

    /// <summary>The targets that count, by their places in the batch read row after row: b · L + position.</summary>
    public IReadOnlyList<int> Places { get; }

    /// <summary>The number of targets that count.</summary>
    public int TokenCount => Places.Count;

    /// <summary>Which rows of the data set these are.</summary>
    public IReadOnlyList<int> Rows { get; }

    /// <summary>A batch of one row a sequence.</summary>
    /// <param name="rows">The rows of the data set.</param>
    /// <param name="indices">Which of them.</param>
    /// <param name="options">How wide a batch may be.</param>
    /// <exception cref="ArgumentException">There is no row, or one is too long or empty.</exception>
    public static Batch Create(IReadOnlyList<TokenRow> rows, IReadOnlyList<int> indices, BatchOptions options)
    {
        ArgumentNullException.ThrowIfNull(indices);
        return Create(rows, [.. indices.Select(index => new[] { index })], options, isPacked: false);
    }

    /// <summary>A batch with several rows a sequence.</summary>
    /// <param name="rows">The rows of the data set.</param>
    /// <param name="sequences">For each sequence, which of them.</param>
    /// <param name="options">How wide a batch may be.</param>
    /// <exception cref="ArgumentException">There is no row, or some are too long together or empty.</exception>
    public static Batch CreatePacked(
        IReadOnlyList<TokenRow> rows, IReadOnlyList<IReadOnlyList<int>> sequences, BatchOptions options) =>
        Create(rows, sequences, options, isPacked: true);

    /// <summary>Frees the arrays.</summary>
    public void Dispose()
    {
        Inputs.Dispose();
        Targets.Dispose();
        Mask.Dispose();
        Attention.Array?.Dispose();
    }

    /// <summary>The width in tokens of a batch whose longest sequence has that many.</summary>
    internal static int Width(int longest, BatchOptions options)
    {
        if (options.PadMultiple == 1)
            return longest;
        long multiple = ((long)longest + options.PadMultiple - 1) / options.PadMultiple * options.PadMultiple;
        return (int)Math.Min(multiple + 1, options.MaxSequenceLength);
    }

    private static Batch Create(
        IReadOnlyList<TokenRow> rows, IReadOnlyList<IReadOnlyList<int>> sequences, BatchOptions options, bool isPacked)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(sequences);
        ArgumentNullException.ThrowIfNull(options);
        if (sequences.Count == 0)
            throw new ArgumentException("A batch has at least one row.", nameof(sequences));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.PadMultiple, 1);
        int longest = sequences.Max(sequence => sequence.Sum(row => rows[row].Length));
        if (longest < 2 || longest > options.MaxSequenceLength)
            throw new ArgumentException(
                $"The longest sequence of the batch has {longest} tokens; it must have 2 to " +
                    $"{options.MaxSequenceLength}.",
                nameof(sequences));
        int width = Width(longest, options) - 1;
        var filling = new BatchFilling(sequences.Count, width);
        for (int b = 0; b < sequences.Count; b++)
            filling.Add(b, sequences[b].Select(row => rows[row]));
        int[] shape = [sequences.Count, width];
        return new Batch(
            MlxArray.From<int>(filling.Inputs, shape),
            MlxArray.From<int>(filling.Targets, shape),
            MlxArray.From<float>(filling.Mask, shape),
            isPacked ? MlxArray.From<bool>(filling.Attention(), sequences.Count, 1, width, width) : null,
            [.. Enumerable.Range(0, filling.Mask.Length).Where(place => filling.Mask[place] != 0)],
            [.. sequences.SelectMany(sequence => sequence)]);
    }

    private static MlxArray Own(MlxArray array)
    {
        array.LeaveScopes();
        return array;
    }
}
