namespace ElmMlx.Datasets;

/// <summary>
/// The generator of Python and of NumPy's legacy (MT19937); numbers as NumPy draws them, as far as
/// <c>numpy.random.permutation</c> needs it. <see cref="PythonRandom"/> draws as Python does.
/// </summary>
internal sealed class MersenneTwister
{
    private const int Size = 624;
    private const int Middle = 397;

    private readonly uint[] _state = new uint[Size];
    private int _next = Size;

    /// <summary>Seeded as NumPy does with one number.</summary>
    public MersenneTwister(uint seed)
    {
        for (int i = 0; i < Size; i++)
        {
            _state[i] = seed;
            seed = 1812433253u * (seed ^ (seed >> 30)) + (uint)i + 1;
        }
    }

    /// <summary>Seeded as Python does with a number of several words, the lowest first.</summary>
    public MersenneTwister(ReadOnlySpan<uint> key)
        : this(19650218)
    {
        int i = 1;
        for (int k = 0; k < Math.Max(Size, key.Length); k++)
        {
            int j = k % key.Length;
            _state[i] = (_state[i] ^ (Mixed(i) * 1664525)) + key[j] + (uint)j;
            i = After(i);
        }
        for (int k = 1; k < Size; k++)
        {
            _state[i] = (_state[i] ^ (Mixed(i) * 1566083941)) - (uint)i;
            i = After(i);
        }
        _state[0] = 0x80000000;
    }

    /// <summary><c>numpy.random.permutation(count)</c>.</summary>
    public int[] Permutation(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        for (int i = count - 1; i > 0; i--)
        {
            int j = (int)UpTo((uint)i);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    /// <summary>32 random bits.</summary>
    public uint Next()
    {
        if (_next == Size)
            Twist();
        uint y = _state[_next++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        return y ^ (y >> 18);
    }

    // Draws as many bits as the bound has, again while they are above it.
    private uint UpTo(uint bound)
    {
        uint mask = uint.MaxValue >> System.Numerics.BitOperations.LeadingZeroCount(bound);
        uint value;
        do
            value = Next() & mask;
        while (value > bound);
        return value;
    }

    private uint Mixed(int i) => _state[i - 1] ^ (_state[i - 1] >> 30);

    private int After(int i)
    {
        if (i + 1 < Size)
            return i + 1;
        _state[0] = _state[Size - 1];
        return 1;
    }

    private void Twist()
    {
        for (int i = 0; i < Size; i++)
        {
            uint y = (_state[i] & 0x80000000) | (_state[(i + 1) % Size] & 0x7fffffff);
            _state[i] = _state[(i + Middle) % Size] ^ (y >> 1) ^ ((y & 1) * 0x9908b0df);
        }
        _next = 0;
    }
}
