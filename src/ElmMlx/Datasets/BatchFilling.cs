namespace ElmMlx.Datasets;

/// <summary>The numbers of a batch while it is put together: sequences of one width, filled up with 0.</summary>
internal sealed class BatchFilling
{
    private readonly int _count;
    private readonly int _width;
    private readonly int[] _rows; // [count, width]: which row of its sequence an input belongs to, 0 for filling

    public BatchFilling(int count, int width)
    {
        _count = count;
        _width = width;
        int size = checked(count * width);
        Inputs = new int[size];
        Targets = new int[size];
        Mask = new float[size];
        _rows = new int[size];
    }

    public int[] Inputs { get; }

    public int[] Targets { get; }

    public float[] Mask { get; }

    public int TokenCount { get; private set; }

    /// <summary>Writes rows into a sequence, one behind the other.</summary>
    public void Add(int sequence, IEnumerable<TokenRow> rows)
    {
        Span<int> inputs = Inputs.AsSpan(sequence * _width, _width);
        Span<int> targets = Targets.AsSpan(sequence * _width, _width);
        Span<float> mask = Mask.AsSpan(sequence * _width, _width);
        Span<int> belongs = _rows.AsSpan(sequence * _width, _width);
        int place = 0, number = 0;
        foreach (TokenRow row in rows)
        {
            number++;
            for (int i = 0; i < row.Length; i++, place++)
            {
                if (place < _width)
                {
                    inputs[place] = row.Ids[i];
                    belongs[place] = number;
                }
                if (place == 0)
                    continue;
                targets[place - 1] = row.Ids[i];
                // The first token of a row is the target of another row's last one, which must not learn it.
                if (i > 0 && row.Learned[i])
                    mask[place - 1] = 1;
            }
        }
    }

    /// <summary>
    /// Which keys a query sees, [count, 1, width, width]: the earlier ones of its row. Filling sees filling, for
    /// a query without any key would have no softmax.
    /// </summary>
    public bool[] Attention()
    {
        bool[] sees = new bool[checked(_count * _width * _width)];
        for (int sequence = 0; sequence < _count; sequence++)
        {
            ReadOnlySpan<int> belongs = _rows.AsSpan(sequence * _width, _width);
            int first = 0;
            for (int query = 0; query < _width; query++)
            {
                if (belongs[query] != belongs[first])
                    first = query;
                sees.AsSpan((sequence * _width + query) * _width + first, query - first + 1).Fill(true);
            }
        }
        return sees;
    }
}
