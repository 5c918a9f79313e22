using System.Numerics;

namespace ElmMlx.Text.Jinja;

/// <summary>What a loop's body sees as <c>loop</c>; calling it goes through more items, one level deeper.</summary>
internal sealed class JinjaLoop : JinjaCallable
{
    private readonly object?[] _items;
    private readonly int _depth;
    private readonly Func<JinjaRun, object?, int, string>? _recurse;
    private object?[]? _lastChanged;

    /// <param name="items">All items.</param>
    /// <param name="depth">How deep the loop stands within itself, from 0.</param>
    /// <param name="recurse">Goes through more items at a depth; null where the loop is not recursive.</param>
    public JinjaLoop(object?[] items, int depth, Func<JinjaRun, object?, int, string>? recurse)
        : base("loop")
    {
        _items = items;
        _depth = depth;
        _recurse = recurse;
    }

    /// <summary>The item at which it is.</summary>
    public int Index { get; set; }

    public override object? Call(JinjaRun run, JinjaArguments arguments)
    {
        if (_recurse is null)
            throw new JinjaException("The loop must have the 'recursive' marker to be called recursively.");
        return arguments is { Positional: [var items], Named.Count: 0 }
            ? run.Call(() => _recurse(run, items, _depth + 1))
            : throw new JinjaException("loop() takes the items to go through, and nothing else");
    }

    public object? Attribute(string name) => name switch
    {
        "index" => (BigInteger)(Index + 1),
        "index0" => (BigInteger)Index,
        "revindex" => (BigInteger)(_items.Length - Index),
        "revindex0" => (BigInteger)(_items.Length - Index - 1),
        "first" => Index == 0,
        "last" => Index == _items.Length - 1,
        "length" => (BigInteger)_items.Length,
        "depth" => (BigInteger)(_depth + 1),
        "depth0" => (BigInteger)_depth,
        "previtem" => Index > 0 ? _items[Index - 1] : new JinjaUndefined("there is no previous item"),
        "nextitem" => Index + 1 < _items.Length ? _items[Index + 1] : new JinjaUndefined("there is no next item"),
        "cycle" => new JinjaVariadic("cycle", (_, arguments) => arguments.Positional.Length > 0
            ? arguments.Positional[Index % arguments.Positional.Length]
            : throw new JinjaException("no items for cycling given")),
        "changed" => new JinjaVariadic("changed", Changed),
        _ => JinjaUndefined.Of(this, name),
    };

    private object Changed(JinjaRun run, JinjaArguments arguments)
    {
        var isSame = _lastChanged is not null
            && JinjaValue.AreEqual(run, JinjaSequence.Tuple(_lastChanged), JinjaSequence.Tuple(arguments.Positional));
        _lastChanged = arguments.Positional;
        return !isSame;
    }
}
