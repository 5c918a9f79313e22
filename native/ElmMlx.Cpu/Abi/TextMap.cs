namespace ElmMlx.Cpu;

/// <summary>What mlx-c's maps are: values by name, in the order in which the names came.</summary>
internal sealed class TextMap<T>
    where T : class
{
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);
    private readonly List<(Utf8Text Key, T Value)> _entries = [];

    public IEnumerable<T> Values => _entries.Select(entry => entry.Value);

    public T? Get(string key) => _places.TryGetValue(key, out int place) ? _entries[place].Value : null;

    /// <summary>Puts a value under a name; answers the one that was there.</summary>
    public T? Set(string key, T value)
    {
        if (_places.TryGetValue(key, out int place))
        {
            T old = _entries[place].Value;
            _entries[place] = (_entries[place].Key, value);
            return old;
        }

        _places[key] = _entries.Count;
        _entries.Add((new Utf8Text(key), value));
        return null;
    }

    public TextMap<T> Copy()
    {
        var copy = new TextMap<T>();
        foreach ((Utf8Text key, T value) in _entries)
            copy.Set(key.Value, value);
        return copy;
    }

    public Iterator Iterate() => new(this);

    /// <summary>Walks the entries once.</summary>
    internal sealed class Iterator(TextMap<T> map)
    {
        private int _place = -1;

        public Utf8Text Key => map._entries[_place].Key;

        public T Value => map._entries[_place].Value;

        public bool MoveNext() => ++_place < map._entries.Count;
    }
}
