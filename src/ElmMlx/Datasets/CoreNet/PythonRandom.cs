using System.Numerics;

namespace ElmMlx.Datasets;

/// <summary>
/// Python's <c>random.Random(seed)</c>: the Mersenne twister, seeded and used as Python does, so that a list is
/// shuffled here as there.
/// </summary>
internal sealed class PythonRandom
{
    private readonly MersenneTwister _words;

    /// <param name="seed">A whole number; its sign does not count.</param>
    public PythonRandom(long seed)
    {
        ulong magnitude = seed < 0 ? 0UL - (ulong)seed : (ulong)seed;
        uint high = (uint)(magnitude >> 32);
        _words = new MersenneTwister(high > 0 ? [(uint)magnitude, high] : [(uint)magnitude]);
    }

    /// <summary>A whole number below <paramref name="count"/>; each is equally likely.</summary>
    public int Below(int count)
    {
        int bits = 32 - BitOperations.LeadingZeroCount((uint)count);
        uint drawn;
        do
            drawn = _words.Next() >> (32 - bits);
        while (drawn >= count);
        return (int)drawn;
    }

    /// <summary>A number from 0, included, to 1, excluded, with 53 random bits.</summary>
    public double NextDouble()
    {
        ulong high = _words.Next() >> 5, low = _words.Next() >> 6;    // 27 and 26 bits
        return (high * 67108864.0 + low) / 9007199254740992.0;
    }

    /// <summary>Puts a list into random order.</summary>
    public void Shuffle<T>(IList<T> list)
    {
        for (int i = list.Count - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (list[i], list[j]) = (list[j], list[i]);
        }
    }

    /// <summary>Draws from a list, with replacement.</summary>
    public T[] Choices<T>(IReadOnlyList<T> list, int count)
    {
        var drawn = new T[count];
        for (int i = 0; i < count; i++)
            drawn[i] = list[(int)(NextDouble() * list.Count)];
        return drawn;
    }
}
