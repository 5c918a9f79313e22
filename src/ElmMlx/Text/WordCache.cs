namespace ElmMlx.Text;

/// <summary>
/// The ids of words seen lately: direct mapped, a new word takes the place of an older one. Entries are immutable and
/// references are written whole, so threads share it without a lock.
/// </summary>
internal sealed class WordCache
{
    public const int MaxWordBytes = 64;
    private const int Size = 1 << 15;

    private readonly Entry?[] _entries = new Entry?[Size];

    public static uint Hash(ReadOnlySpan<byte> word) => PieceHash.Of(word);

    public bool TryGet(ReadOnlySpan<byte> word, uint hash, out ReadOnlySpan<int> ids)
    {
        var entry = Volatile.Read(ref _entries[hash & (Size - 1)]);
        if (entry is not null && word.SequenceEqual(entry.Word))
        {
            ids = entry.Ids;
            return true;
        }
        ids = default;
        return false;
    }

    public void Set(ReadOnlySpan<byte> word, uint hash, ReadOnlySpan<int> ids) =>
        Volatile.Write(ref _entries[hash & (Size - 1)], new Entry(word.ToArray(), ids.ToArray()));

    private sealed record Entry(byte[] Word, int[] Ids);
}
