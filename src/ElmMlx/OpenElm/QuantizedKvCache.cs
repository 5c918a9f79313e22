namespace ElmMlx.OpenElm;

/// <summary>
/// A cache that keeps every token, quantised: keys and values are packed integers with a scale and a bias a
/// group.
/// </summary>
public sealed class QuantizedKvCache : LayerCache
{
    // Packed, scales, biases.
    private readonly MlxArray?[] _keys = new MlxArray?[3];
    private readonly MlxArray?[] _values = new MlxArray?[3];

    /// <summary>An empty cache.</summary>
    /// <param name="groupSize">
    /// Elements that share one scale: 32, 64 or 128; must divide the head size.
    /// </param>
    /// <param name="bits">Bits an element: 2, 3, 4, 5, 6 or 8.</param>
    public QuantizedKvCache(int groupSize = 64, int bits = 8)
    {
        if (groupSize is not (32 or 64 or 128))
            throw new ArgumentException(
                $"A quantised cache has groups of 32, 64 or 128, not {groupSize}.", nameof(groupSize));
        if (bits is not (2 or 3 or 4 or 5 or 6 or 8))
            throw new ArgumentException(
                $"A quantised cache has 2, 3, 4, 5, 6 or 8 bits, not {bits}.", nameof(bits));
        (GroupSize, Bits) = (groupSize, bits);
    }

    // From a file: three arrays for keys, three for values, of the first `offset` tokens.
    internal QuantizedKvCache(
        IReadOnlyList<MlxArray> keys, IReadOnlyList<MlxArray> values, int offset, int groupSize, int bits)
        : this(groupSize, bits)
    {
        for (int i = 0; i < 3; i++)
        {
            Set(ref _keys[i], keys[i]);
            Set(ref _values[i], values[i]);
        }
        Offset = offset;
    }

    /// <summary>Elements that share one scale.</summary>
    public int GroupSize { get; }

    /// <summary>Bits an element.</summary>
    public int Bits { get; }

    /// <inheritdoc/>
    public override string MlxLmName => "QuantizedKVCache";

    /// <inheritdoc/>
    public override bool IsTrimmable => true;

    /// <inheritdoc/>
    public override MlxArray Attend(MlxArray queries, MlxArray keys, MlxArray values, float scale, AttentionMask mask)
    {
        Append(keys, values);
        int batch = queries.Dim(0), heads = queries.Dim(1), length = queries.Dim(2), size = queries.Dim(3);
        int keyHeads = keys.Dim(1), repeats = heads / keyHeads;

        // [B, G, H/G, n, K] against [B, G, 1, T, K]: query heads that share a key head lie next to each
        // other.
        MlxArray scores = MatMul(
            (queries * scale).Reshape(batch, keyHeads, repeats, length, size), _keys, transpose: true);
        if (length > 1)
            scores = MlxArray.Where(Visible(length), scores, Lowest(scores.DType));
        MlxArray attended = MatMul(scores.Softmax(-1, precise: true), _values, transpose: false);
        return attended.Reshape(batch, heads, length, size);
    }

    /// <summary>Adds tokens without attending.</summary>
    internal void Append(MlxArray keys, MlxArray values)
    {
        if (keys.Dim(3) % GroupSize != 0)
            throw new ArgumentException(
                $"A cache quantised in groups of {GroupSize} needs a head size that they divide, and " +
                $"this model's is {keys.Dim(3)}; choose another group size, or an exact cache.");
        int start = Offset;
        Append(_keys, keys, start);
        Append(_values, values, start);
        Offset = start + keys.Dim(2);
    }

    private protected override void FreeBuffers()
    {
        for (int i = 0; i < 3; i++)
        {
            Free(ref _keys[i]);
            Free(ref _values[i]);
        }
    }

    internal override IEnumerable<MlxArray> Buffers => _keys.Concat(_values).OfType<MlxArray>();

    internal override IEnumerable<(string Suffix, MlxArray Array)> State()
    {
        for (int i = 0; i < 3 && Offset > 0; i++)
        {
            yield return ($"0.{i}", Tokens(_keys[i]!, 0, Offset));
            yield return ($"1.{i}", Tokens(_values[i]!, 0, Offset));
        }
    }

    internal override IReadOnlyList<int> MetaState => [Offset, GroupSize, Bits];

    private void Append(MlxArray?[] buffers, MlxArray tokens, int start)
    {
        (MlxArray packed, MlxArray scales, MlxArray? biases) = Quantized.Quantize(tokens, GroupSize, Bits, "affine");
        Append(ref buffers[0], packed, start);
        Append(ref buffers[1], scales, start);
        Append(ref buffers[2], biases!, start);
    }

    private static void Append(ref MlxArray? buffer, MlxArray part, int start)
    {
        int count = part.Dim(2), more = (count + Step - 1) / Step * Step;
        if (buffer is null || start + count > buffer.Dim(2))
            Grow(ref buffer, start, more, part, part.Dim(3), part.DType);
        Write(ref buffer, part, start);
    }

    private MlxArray MatMul(MlxArray x, MlxArray?[] buffers, bool transpose)
    {
        MlxArray Part(int i) => Tokens(buffers[i]!, 0, Offset).ExpandDims(2);
        return Quantized.MatMul(x, Part(0), Part(1), Part(2), transpose, GroupSize, Bits, "affine");
    }

    // The last n of T queries see the keys up to their own: bool [n, T].
    private MlxArray Visible(int length) =>
        MlxArray.Arange(Offset - length, Offset).ExpandDims(1) >= MlxArray.Arange(0, Offset).ExpandDims(0);

    // The most negative finite number: a row without any visible key stays a number.
    private static MlxArray Lowest(DType type) => MlxArray.Scalar(
        type switch { DType.Float16 => (float)Half.MinValue, DType.BFloat16 => -3.3895314e38f, _ => float.MinValue },
        type);
}
