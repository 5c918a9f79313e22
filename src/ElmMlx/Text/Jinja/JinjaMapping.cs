using System.Diagnostics.CodeAnalysis;

namespace ElmMlx.Text.Jinja;

/// <summary>Python's <c>dict</c>: keys in the order in which they came. Complete once it is made.</summary>
internal sealed class JinjaMapping
{
    private readonly OrderedDictionary<object, object?> _values = new(JinjaKeys.Comparer);

    public int Count => _values.Count;

    public IEnumerable<object?> Keys => _values.Keys.Select(JinjaKeys.ToValue);

    public IEnumerable<object?> Values => _values.Values;

    public IEnumerable<(object? Key, object? Value)> Entries =>
        _values.Select(entry => (JinjaKeys.ToValue(entry.Key), entry.Value));

    /// <summary>For who makes it.</summary>
    public void Set(object? key, object? value) => _values[JinjaKeys.Of(key)] = value;

    public bool TryGet(object? key, [MaybeNullWhen(false)] out object? value)
    {
        if (key is null or string or bool or System.Numerics.BigInteger or double)
            return _values.TryGetValue(JinjaKeys.Of(key), out value);
        value = null;
        return false;
    }
}
