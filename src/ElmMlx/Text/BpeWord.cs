namespace ElmMlx.Text;

/// <summary>The symbols of a word as a linked list in arrays, merged by a heap of possible merges.</summary>
internal sealed class BpeWord
{
    public const int MaxKeptSymbols = 1 << 16;
    private const int Gone = -1;

    private readonly MergeQueue _queue = new();
    private int[] _ids = new int[64];
    private int[] _previous = [];
    private int[] _next = [];
    private int _count;

    public void Clear() => _count = 0;

    public void Add(int id)
    {
        if (_count == _ids.Length)
            Array.Resize(ref _ids, _count * 2);
        _ids[_count++] = id;
    }

    public void Merge(Dictionary<ulong, (int Rank, int Id)> merges)
    {
        if (_next.Length < _count)
            (_previous, _next) = (new int[_ids.Length], new int[_ids.Length]);
        _queue.Clear();
        for (var i = 0; i < _count; i++)
        {
            (_previous[i], _next[i]) = (i - 1, i + 1);
            if (i > 0)
                Propose(merges, i - 1, i);
        }
        while (_queue.TryPop(out var left, out var newId))
        {
            if (_ids[left] == Gone || _next[left] >= _count)
                continue;
            var right = _next[left];
            // The pair may have changed since; what counts is that it still leads to the same piece.
            if (!merges.TryGetValue(Key(_ids[left], _ids[right]), out var merge) || merge.Id != newId)
                continue;
            _ids[left] = newId;
            _ids[right] = Gone;
            _next[left] = _next[right];
            if (_next[left] < _count)
            {
                _previous[_next[left]] = left;
                Propose(merges, left, _next[left]);
            }
            if (_previous[left] >= 0)
                Propose(merges, _previous[left], left);
        }
    }

    public void AppendTo(List<int> ids)
    {
        for (var i = 0; i < _count; i++)
        {
            if (_ids[i] != Gone)
                ids.Add(_ids[i]);
        }
    }

    private void Propose(Dictionary<ulong, (int Rank, int Id)> merges, int left, int right)
    {
        if (merges.TryGetValue(Key(_ids[left], _ids[right]), out var merge))
            _queue.Push((uint)merge.Rank, left, merge.Id);
    }

    private static ulong Key(int left, int right) => ((ulong)left << 32) | (uint)right;
}
