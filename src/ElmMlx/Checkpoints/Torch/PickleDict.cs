namespace ElmMlx.Checkpoints.Torch;

/// <summary>
/// An ordered dictionary, or a plain one: here both keep their order. Values are this folder's Pickle… types, tensors,
/// and .NET's own: null, bool, long, Int128 (beyond 64 bits), double, string.
/// </summary>
internal sealed class PickleDict
{
    private readonly Dictionary<object, object?> _values = [];

    public List<KeyValuePair<object, object?>> Entries { get; } = [];

    /// <summary>An OrderedDict may carry attributes (PyTorch's <c>_metadata</c>); a plain dictionary may not.</summary>
    public required bool IsOrdered { get; init; }

    public bool TryAdd(object key, object? value)
    {
        if (!_values.TryAdd(key, value))
            return false;
        Entries.Add(new(key, value));
        return true;
    }

    public object? this[string key] => _values.GetValueOrDefault(key);

    public bool Contains(string key) => _values.ContainsKey(key);
}
