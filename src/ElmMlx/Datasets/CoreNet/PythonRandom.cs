using System.Numerics;

namespace ElmMlx.Datasets;

/// <summary>
/// Python's <c>random.Random(seed)</c>: the Mersenne twister, seeded and used as Python does, so that a list is shuffled
/// here as there.
/// </summary>
internal sealed class PythonRandom
{
    private const int Size = 624, Middle = 397;
    private const uint Matrix = 0x9908B0DF, UpperBit = 0x80000000, LowerBits = 0x7FFFFFFF;

    private readonly uint[] _state = new uint[Size];
    private int _next = Size;

    /// <param name="seed">A whole number; its sign does not count.</param>
    public PythonRandom(long seed)
    {
        ulong magnitude = seed < 0 ? 0UL - (ulong)seed : (ulong)seed;
        uint high = (uint)(magnitude >> 32);
        Seed(high > 0 ? [(uint)magnitude, high] : [(uint)magnitude]);
    }

    /// <summary>A whole number below <paramref name="count"/>; each is equally likely.</summary>
    public int Below(int count)
    {
        int bits = 32 - BitOperations.LeadingZeroCount((uint)count);
        uint drawn;
        do
            drawn = NextWord() >> (32 - bits);
        while (drawn >= count);
        return (int)drawn;
    }

    /// <summary>A number from 0, included, to 1, excluded, with 53 random bits.</summary>
    public double NextDouble()
    {
        ulong high = NextWord() >> 5, low = NextWord() >> 6;    // 27 and 26 bits
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

    private void Seed(ReadOnlySpan<uint> key)
    {
        _state[0] = 19650218;
        for (int n = 1; n < Size; n++)
            _state[n] = 1812433253 * (_state[n - 1] ^ (_state[n - 1] >> 30)) + (uint)n;

        int i = 1, j = 0;
        for (int k = Math.Max(Size, key.Length); k > 0; k--)
        {
            _state[i] = (_state[i] ^ (Mixed(i) * 1664525)) + key[j] + (uint)j;
            i = Advance(i);
            j = (j + 1) % key.Length;
        }
        for (int k = Size - 1; k > 0; k--)
        {
            _state[i] = (_state[i] ^ (Mixed(i) * 1566083941)) - (uint)i;
            i = Advance(i);
        }
        _state[0] = UpperBit;
    }

    private uint Mixed(int i) => _state[i - 1] ^ (_state[i - 1] >> 30);

    private int Advance(int i)
    {
        if (++i < Size)
            return i;
        _state[0] = _state[Size - 1];
        return 1;
    }

    private uint NextWord()
    {
        if (_next == Size)
            Twist();
        uint word = _state[_next++];
        word ^= word >> 11;
        word ^= (word << 7) & 0x9D2C5680;
        word ^= (word << 15) & 0xEFC60000;
        return word ^ (word >> 18);
    }

    private void Twist()
    {
        for (int i = 0; i < Size; i++)
        {
            uint word = (_state[i] & UpperBit) | (_state[(i + 1) % Size] & LowerBits);
            _state[i] = _state[(i + Middle) % Size] ^ (word >> 1) ^ ((word & 1) * Matrix);
        }
        _next = 0;
    }
}
