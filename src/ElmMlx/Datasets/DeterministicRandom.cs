namespace ElmMlx.Datasets;

/// <summary>
/// Random numbers that are the same for ever for the same numbers put in (SplitMix64): a run that goes on must find its
/// data in the same order.
/// </summary>
internal sealed class DeterministicRandom
{
    private ulong _state;

    public DeterministicRandom(ulong seed, ulong stream)
    {
        _state = seed;
        _state = Next() ^ stream;
        _state = Next();
    }

    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    // The high half of a product is uniform once the few values that make some results likelier are drawn again.
    private int Below(int bound)
    {
        ulong limit = (0 - (ulong)bound) % (ulong)bound;
        while (true)
        {
            ulong high = Math.BigMul(Next(), (ulong)bound, out ulong low);
            if (low >= limit)
                return (int)high;
        }
    }

    private ulong Next()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
