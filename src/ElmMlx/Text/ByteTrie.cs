namespace ElmMlx.Text;

/// <summary>
/// Pieces by their bytes, for common-prefix search. Children of a node lie together, sorted by byte.
/// </summary>
internal sealed class ByteTrie
{
    public const int None = -1;

    private readonly int[] _root = new int[256];
    private readonly int[] _firstChild;
    private readonly int[] _nChildren;
    private readonly byte[] _label;
    private readonly int[] _value;

    /// <param name="pieces">Pieces and their values; of two equal pieces the later one counts.</param>
    public ByteTrie(IEnumerable<(byte[] Piece, int Value)> pieces)
    {
        var sorted = pieces.Where(p => p.Piece.Length > 0).ToList();
        // A stable sort keeps equal pieces in their order.
        sorted = [.. sorted.OrderBy(p => p.Piece, Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)))];
        List<int> first = [], count = [], value = [];
        List<byte> label = [];
        // Breadth first: a node is a range of sorted pieces that share a prefix of the given length.
        var queue = new Queue<(int Node, int From, int To, int Depth)>();
        queue.Enqueue((None, 0, sorted.Count, 0));
        Array.Fill(_root, None);
        while (queue.TryDequeue(out var range))
        {
            var (node, from, to, depth) = range;
            while (from < to && sorted[from].Piece.Length == depth)
                value[node] = sorted[from++].Value;
            if (node != None)
                first[node] = label.Count;
            while (from < to)
            {
                var b = sorted[from].Piece[depth];
                var end = from;
                while (end < to && sorted[end].Piece[depth] == b)
                    end++;
                var child = label.Count;
                label.Add(b);
                first.Add(0);
                count.Add(0);
                value.Add(None);
                if (node == None)
                    _root[b] = child;
                else
                    count[node]++;
                queue.Enqueue((child, from, end, depth + 1));
                from = end;
            }
        }
        (_firstChild, _nChildren, _value, _label) = ([.. first], [.. count], [.. value], [.. label]);
    }

    public int Root(byte b) => _root[b];

    public int Child(int node, byte b)
    {
        int low = _firstChild[node], high = low + _nChildren[node] - 1;
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            if (_label[middle] == b)
                return middle;
            if (_label[middle] < b)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return None;
    }

    /// <summary>The value of the piece that ends in this node, or <see cref="None"/>.</summary>
    public int Value(int node) => _value[node];

    /// <summary>
    /// The length of the longest piece that <paramref name="text"/> begins with; 0 for none.
    /// </summary>
    public int LongestMatch(ReadOnlySpan<byte> text, out int value)
    {
        var length = 0;
        value = None;
        if (text.IsEmpty)
            return 0;
        var node = Root(text[0]);
        for (var i = 1; node != None; i++)
        {
            if (_value[node] != None)
                (length, value) = (i, _value[node]);
            if (i == text.Length)
                break;
            node = Child(node, text[i]);
        }
        return length;
    }
}
