namespace ElmMlx.OpenElm;

/// <summary>A cache that keeps every token; its buffers grow 256 tokens at a time.</summary>
public sealed class KvCache : LayerCache
{
    private MlxArray? _keys;
    private MlxArray? _values;

    /// <summary>An empty cache.</summary>
    public KvCache()
    {
    }

    // From a file: keys and values [B, G, T, K] of T tokens.
    internal KvCache(MlxArray keys, MlxArray values)
    {
        Set(ref _keys, keys);
        Set(ref _values, values);
        Offset = keys.Dim(2);
    }

    /// <inheritdoc/>
    public override string MlxLmName => "KVCache";

    /// <inheritdoc/>
    public override bool IsTrimmable => true;

    /// <inheritdoc/>
    public override MlxArray Attend(MlxArray queries, MlxArray keys, MlxArray values, float scale, AttentionMask mask)
    {
        int start = Offset, end = start + keys.Dim(2);
        if (_keys is null || end > _keys.Dim(2))
        {
            int more = (keys.Dim(2) + Step - 1) / Step * Step;
            Grow(ref _keys, start, more, keys, keys.Dim(3), keys.DType);
            Grow(ref _values, start, more, values, values.Dim(3), values.DType);
        }
        Write(ref _keys, keys, start);
        Write(ref _values, values, start);
        Offset = end;
        return Fast.ScaledDotProductAttention(queries, Tokens(_keys!, 0, end), Tokens(_values!, 0, end), scale, mask);
    }

    /// <summary>The same tokens in a quantised cache.</summary>
    /// <param name="groupSize">Elements that share one scale: 32, 64 or 128.</param>
    /// <param name="bits">Bits an element.</param>
    public QuantizedKvCache ToQuantized(int groupSize = 64, int bits = 4)
    {
        var quantized = new QuantizedKvCache(groupSize, bits);
        if (Offset > 0)
            quantized.Append(Tokens(_keys!, 0, Offset), Tokens(_values!, 0, Offset));
        return quantized;
    }

    private protected override void FreeBuffers()
    {
        Free(ref _keys);
        Free(ref _values);
    }

    internal override IEnumerable<MlxArray> Buffers => _keys is null ? [] : [_keys, _values!];

    internal override IEnumerable<(string Suffix, MlxArray Array)> State() =>
        Offset == 0 ? [] : [("0", Tokens(_keys!, 0, Offset)), ("1", Tokens(_values!, 0, Offset))];

    internal override IReadOnlyList<int> MetaState => [];
}
