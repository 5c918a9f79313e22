using System.Diagnostics.CodeAnalysis;
using ElmMlx.Nn;

namespace ElmMlx.Optimizers;

/// <summary>The arrays that an optimizer remembers of one parameter, by their names; it owns them.</summary>
internal sealed class ParameterState : IDisposable
{
    private readonly SortedDictionary<string, MlxArray> _slots = new(StringComparer.Ordinal);

    /// <summary>What is special about the parameter.</summary>
    public ParameterGroup? Group { get; set; }

    /// <summary>Whether every slot is there, in the shape that the parameter needs.</summary>
    public bool IsReady { get; set; }

    /// <summary>In the order of their names.</summary>
    public IReadOnlyCollection<KeyValuePair<string, MlxArray>> Slots => _slots;

    /// <summary>Setting takes the array out of its scope and frees the former one.</summary>
    public MlxArray this[string name]
    {
        get => _slots[name];
        set
        {
            if (_slots.TryGetValue(name, out MlxArray? former) && !ReferenceEquals(former, value))
                former.Dispose();
            _slots[name] = Owned.Take(value);
        }
    }

    public bool TryGet(string name, [MaybeNullWhen(false)] out MlxArray value) => _slots.TryGetValue(name, out value);

    public void Remove(string name)
    {
        if (_slots.Remove(name, out MlxArray? value))
            value.Dispose();
    }

    public void Dispose()
    {
        foreach (MlxArray slot in _slots.Values)
            slot.Dispose();
    }
}
