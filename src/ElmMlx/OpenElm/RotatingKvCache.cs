namespace ElmMlx.OpenElm;

/// <summary>
/// A cache of bounded size: the first <c>keep</c> tokens stay, the latest others fill a ring. Keys keep the
/// positions they had. What a token sees does not depend on how the prompt arrives. mlx-lm differs there:
/// inside a chunk of several tokens its mask is a plain window of the last <c>max_size</c> tokens, so the
/// first ones are not seen from where the cache overflows; fed one by one, both are the same.
/// </summary>
public sealed class RotatingKvCache : LayerCache
{
    private readonly int _keep;
    private readonly int _maxSize;
    private MlxArray? _keys;
    private MlxArray? _values;

    // Where the next token is written.
    private int _index;

    /// <summary>An empty cache.</summary>
    /// <param name="maxSize">Tokens kept.</param>
    /// <param name="keep">How many of them are the first ones.</param>
    public RotatingKvCache(int maxSize, int keep = 4)
    {
        if (maxSize < 1 || keep < 0 || keep >= maxSize)
            throw new ArgumentException(
                $"A rotating cache of {maxSize} tokens cannot keep the first {keep}; it must be larger " +
                "than what it keeps.", nameof(maxSize));
        (_maxSize, _keep) = (maxSize, keep);
    }

    // From a file: the ring as it lies, and mlx-lm's meta state.
    internal RotatingKvCache(MlxArray keys, MlxArray values, int keep, int maxSize, int offset, int index)
        : this(maxSize, keep)
    {
        Set(ref _keys, keys);
        Set(ref _values, values);
        (Offset, _index) = (offset, index);
    }

    /// <inheritdoc/>
    public override string MlxLmName => "RotatingKVCache";

    /// <inheritdoc/>
    public override bool IsTrimmable => Offset < _maxSize;

    /// <inheritdoc/>
    public override AttentionMask MakeMask(int length)
    {
        if (length == 1)
            return AttentionMask.None;
        if (Offset + length <= _maxSize)
            return AttentionMask.Causal;

        // Positions of the keys: what is kept in order, then the new ones.
        int past = Math.Min(Offset, _maxSize - 1), first = Math.Min(past, _keep);
        var positions = new int[past + length];
        for (int i = 0; i < positions.Length; i++)
            positions[i] = i < first ? i : Offset + i - past;
        MlxArray key = MlxArray.From<int>(positions, 1, positions.Length);
        MlxArray query = MlxArray.From<int>(positions.AsSpan(past), length, 1);
        MlxArray recent = key > query - (_maxSize - _keep);
        return AttentionMask.Of((key <= query) & (recent | (key < _keep)));
    }

    /// <inheritdoc/>
    public override MlxArray Attend(MlxArray queries, MlxArray keys, MlxArray values, float scale, AttentionMask mask)
    {
        if (keys.Dim(2) == 1)
            AppendOne(keys, values);
        else
            AppendMany(keys, values);
        return Fast.ScaledDotProductAttention(queries, Used(_keys!), Used(_values!), scale, mask);
    }

    /// <inheritdoc/>
    public override void Trim(int count)
    {
        int before = Offset;
        base.Trim(count);
        _index -= before - Offset;
    }

    private protected override void FreeBuffers()
    {
        Free(ref _keys);
        Free(ref _values);
    }

    internal override IEnumerable<MlxArray> Buffers => _keys is null ? [] : [_keys, _values!];

    internal override IEnumerable<(string Suffix, MlxArray Array)> State() =>
        Offset == 0 ? [] : [("0", Used(_keys!)), ("1", Used(_values!))];

    internal override IReadOnlyList<int> MetaState => [_keep, _maxSize, Offset, _index];

    private MlxArray Used(MlxArray buffer) => Tokens(buffer, 0, Math.Min(Offset, buffer.Dim(2)));

    private void AppendOne(MlxArray key, MlxArray value)
    {
        if (_keys is null || Offset >= _keys.Dim(2) && _keys.Dim(2) < _maxSize)
        {
            int more = Math.Min(Step, _maxSize - Offset);
            Grow(ref _keys, Offset, more, key, key.Dim(3), key.DType);
            Grow(ref _values, Offset, more, value, value.Dim(3), value.DType);
            _index = Offset;
        }
        if (_keys!.Dim(2) > _maxSize)
        {
            // A chunk left more tokens than are kept from here on.
            int surplus = _keys.Dim(2) - _maxSize;
            Set(ref _keys, Drop(_keys, surplus));
            Set(ref _values, Drop(_values!, surplus));
            _index = _maxSize;
        }
        if (_index == _maxSize)
            _index = _keep;
        Write(ref _keys, key, _index);
        Write(ref _values, value, _index);
        _index++;
        Offset++;
    }

    // All of the chunk's tokens stay until the next call: each of them may see maxSize tokens.
    private void AppendMany(MlxArray keys, MlxArray values)
    {
        if (_keys is null || Offset == 0)
        {
            Set(ref _keys, keys);
            Set(ref _values, values);
        }
        else
        {
            Set(ref _keys, MlxArray.Concatenate([Past(_keys), keys], 2));
            Set(ref _values, MlxArray.Concatenate([Past(_values!), values], 2));
        }
        Offset += keys.Dim(2);
        _index = _keys!.Dim(2);
    }

    // At most maxSize - 1 tokens in the order of time.
    private MlxArray Past(MlxArray buffer)
    {
        MlxArray ordered = _index == buffer.Dim(2) ? buffer
            : _index < Offset
                ? MlxArray.Concatenate(
                    [Tokens(buffer, 0, _keep), Tokens(buffer, _index, buffer.Dim(2)), Tokens(buffer, _keep, _index)], 2)
                : Tokens(buffer, 0, _index);
        int surplus = ordered.Dim(2) - (_maxSize - 1);
        return surplus > 0 ? Drop(ordered, surplus) : ordered;
    }

    // Without the oldest tokens after the kept ones.
    private MlxArray Drop(MlxArray buffer, int count) => MlxArray.Concatenate(
        [Tokens(buffer, 0, _keep), Tokens(buffer, _keep + count, buffer.Dim(2))], 2);
}
