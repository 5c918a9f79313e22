namespace ElmMlx.Text;

/// <summary>
/// A binary heap of possible merges: least rank first, then leftmost. Merging n symbols takes O(n log n).
/// </summary>
internal sealed class MergeQueue
{
    private ulong[] _keys = new ulong[64];
    private int[] _values = new int[64];
    private int _count;

    public void Clear() => _count = 0;

    public void Push(uint rank, int left, int value)
    {
        if (_count == _keys.Length)
        {
            Array.Resize(ref _keys, _count * 2);
            Array.Resize(ref _values, _count * 2);
        }
        var key = ((ulong)rank << 32) | (uint)left;
        var at = _count++;
        while (at > 0)
        {
            var parent = (at - 1) >> 1;
            if (_keys[parent] <= key)
                break;
            (_keys[at], _values[at]) = (_keys[parent], _values[parent]);
            at = parent;
        }
        (_keys[at], _values[at]) = (key, value);
    }

    public bool TryPop(out int left, out int value)
    {
        left = value = 0;
        if (_count == 0)
            return false;
        (left, value) = ((int)(uint)_keys[0], _values[0]);
        _count--;
        var key = _keys[_count];
        var moved = _values[_count];
        var at = 0;
        while (true)
        {
            var child = 2 * at + 1;
            if (child >= _count)
                break;
            if (child + 1 < _count && _keys[child + 1] < _keys[child])
                child++;
            if (key <= _keys[child])
                break;
            (_keys[at], _values[at]) = (_keys[child], _values[child]);
            at = child;
        }
        (_keys[at], _values[at]) = (key, moved);
        return true;
    }

    /// <summary>Ranks of scores: the greater the score, the smaller the rank; -0 and 0 are one.</summary>
    public static uint RankOfScore(float score)
    {
        var bits = BitConverter.SingleToUInt32Bits(score + 0f);
        var ascending = (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
        return ~ascending;
    }
}
