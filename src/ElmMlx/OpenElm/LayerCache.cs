using ElmMlx.Nn;

namespace ElmMlx.OpenElm;

// Shapes: B sequences, n new tokens, H query heads, G key heads, T tokens kept, K head width.

/// <summary>Keys and values of one layer, kept from call to call.</summary>
public abstract class LayerCache : IDisposable
{
    /// <summary>Buffers grow by this many tokens.</summary>
    protected const int Step = 256;

    /// <summary>Tokens seen so far: the position of the next one.</summary>
    public int Offset { get; private protected set; }

    /// <summary>The class's name in mlx-lm, as prompt cache files have it.</summary>
    public abstract string MlxLmName { get; }

    /// <summary>Whether the last tokens can be taken back.</summary>
    public abstract bool IsTrimmable { get; }

    /// <summary>Bytes of the buffers.</summary>
    public long ByteCount => Buffers.Sum(buffer => buffer.ByteCount);

    /// <summary>Which keys the next tokens see.</summary>
    /// <param name="length">How many tokens come, n.</param>
    public virtual AttentionMask MakeMask(int length) => length == 1 ? AttentionMask.None : AttentionMask.Causal;

    /// <summary>Adds the new keys and values and attends to all that are kept.</summary>
    /// <param name="queries">[B, H, n, K].</param>
    /// <param name="keys">[B, G, n, K].</param>
    /// <param name="values">[B, G, n, K].</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <param name="mask">What <see cref="MakeMask"/> gave for n tokens.</param>
    /// <returns>[B, H, n, K].</returns>
    public abstract MlxArray Attend(MlxArray queries, MlxArray keys, MlxArray values, float scale, AttentionMask mask);

    /// <summary>Forgets the last tokens.</summary>
    /// <param name="count">How many; at most all of them are forgotten.</param>
    /// <exception cref="InvalidOperationException">
    /// The cache has dropped tokens already and cannot go back.
    /// </exception>
    public virtual void Trim(int count)
    {
        if (!IsTrimmable)
            throw new InvalidOperationException(
                "A rotating cache that is full cannot forget its last tokens.");
        Offset -= Math.Min(Offset, count);
    }

    /// <summary>The arrays that hold the cache, to be evaluated; none before the first token.</summary>
    internal abstract IEnumerable<MlxArray> Buffers { get; }

    /// <summary>
    /// The used part of the buffers, keys before values, under mlx-lm's suffixes (<c>0</c>, <c>1.2</c>).
    /// </summary>
    internal abstract IEnumerable<(string Suffix, MlxArray Array)> State();

    /// <summary>mlx-lm's meta state: the numbers that the arrays do not tell.</summary>
    internal abstract IReadOnlyList<int> MetaState { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        FreeBuffers();
        GC.SuppressFinalize(this);
    }

    /// <summary>Calls <see cref="Free"/> for every buffer.</summary>
    private protected abstract void FreeBuffers();

    /// <summary>Frees a buffer, once; using it afterwards is an <see cref="ObjectDisposedException"/>.</summary>
    private protected static void Free(ref MlxArray? buffer)
    {
        if (buffer is null)
            return;
        buffer.Dispose();
        buffer = MlxArray.Freed;
    }

    /// <summary>
    /// Puts a new array in a buffer's place. The former handle goes at once, so that evaluation may write in
    /// place.
    /// </summary>
    private protected static void Set(ref MlxArray? buffer, MlxArray value)
    {
        if (ReferenceEquals(buffer, value))
            return;
        MlxArray? former = buffer;
        buffer = Owned.TakeInPrivate(value, former);
        former?.Dispose();
    }

    /// <summary>Tokens [start, stop) of a buffer [B, G, T, …].</summary>
    private protected static MlxArray Tokens(MlxArray buffer, int start, int stop) =>
        start == 0 && stop == buffer.Dim(2)
            ? buffer
            : buffer.Slice([0, 0, start, 0], [buffer.Dim(0), buffer.Dim(1), stop, buffer.Dim(3)]);

    /// <summary>Writes tokens into a buffer from a position on.</summary>
    private protected static void Write(ref MlxArray? buffer, MlxArray update, int start)
    {
        MlxArray whole = buffer!;
        Set(ref buffer, whole.SliceUpdate(
            update, [0, 0, start, 0], [whole.Dim(0), whole.Dim(1), start + update.Dim(2), whole.Dim(3)]));
    }

    /// <summary>Makes room for more tokens behind the ones in use.</summary>
    private protected static void Grow(ref MlxArray? buffer, int used, int more, MlxArray like, int width, DType type)
    {
        MlxArray room = MlxArray.Zeros([like.Dim(0), like.Dim(1), more, width], type);
        Set(ref buffer, buffer is null ? room : MlxArray.Concatenate([Tokens(buffer, 0, used), room], 2));
    }
}
