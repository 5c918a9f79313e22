using System.Numerics;

namespace ElmMlx.Text.Jinja;

/// <summary>A row of values. Templates cannot change one: the sandbox refuses it.</summary>
internal sealed class JinjaSequence
{
    private object?[] _items;

    /// <param name="kind">What it is to Python.</param>
    /// <param name="items">The values; not copied.</param>
    /// <param name="repr">How it prints; null for its items.</param>
    public JinjaSequence(JinjaSequenceKind kind, object?[] items, string? repr = null)
    {
        Kind = kind;
        _items = items;
        Repr = repr;
    }

    public JinjaSequenceKind Kind { get; }

    public string? Repr { get; }

    public object?[] Items => _items;

    /// <summary>Whether places have numbers.</summary>
    public bool IsIndexed => Kind is JinjaSequenceKind.List or JinjaSequenceKind.Tuple or JinjaSequenceKind.Range;

    public static JinjaSequence List(object?[] items) => new(JinjaSequenceKind.List, items);

    public static JinjaSequence Tuple(params object?[] items) => new(JinjaSequenceKind.Tuple, items);

    public static JinjaSequence Generator(object?[] items) =>
        new(JinjaSequenceKind.Generator, items, "<generator object>");

    public static JinjaSequence View(string name, object?[] items) => new(JinjaSequenceKind.View, items, name);

    public static JinjaSequence Range(BigInteger start, BigInteger step, int count, string repr)
    {
        var items = new object?[count];
        for (var i = 0; i < count; i++)
            items[i] = start + (step * i);
        return new JinjaSequence(JinjaSequenceKind.Range, items, repr);
    }

    /// <summary>The items for going through; a generator has them once.</summary>
    public object?[] Take()
    {
        var items = _items;
        if (Kind == JinjaSequenceKind.Generator)
            _items = [];
        return items;
    }
}
