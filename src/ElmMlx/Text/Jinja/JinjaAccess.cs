using System.Globalization;
using System.Numerics;

namespace ElmMlx.Text.Jinja;

/// <summary>Attributes, items and slices.</summary>
internal static class JinjaAccess
{
    private static readonly string[] ListChanges =
        ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"];

    private static readonly string[] MappingChanges = ["clear", "pop", "popitem", "setdefault", "update"];

    /// <summary><c>value.name</c>: a method, or else an item.</summary>
    public static object? Attribute(object? value, string name) =>
        value is JinjaUndefined undefined ? throw undefined.Error()
        : Member(value, name, out var member) ? member
        : value is JinjaMapping mapping && mapping.TryGet(name, out var item) ? item
        : JinjaUndefined.Of(value, name);

    /// <summary><c>value[key]</c>: an item, or else a method.</summary>
    public static object? Item(JinjaRun run, object? value, object? key)
    {
        switch (value)
        {
            case JinjaUndefined undefined:
                throw undefined.Error();
            case JinjaMapping mapping when mapping.TryGet(key, out var item):
                return item;
            case JinjaSequence { IsIndexed: true } sequence when JinjaValue.Whole(key) is { } index:
                if (index.Sign < 0)
                    index += sequence.Items.Length;
                if (index.Sign >= 0 && index < sequence.Items.Length)
                    return sequence.Items[(int)index];
                break;
            case string text when JinjaValue.Whole(key) is { } place:
                run.Spend(text.Length);
                var length = PythonText.Length(text);
                if (place.Sign < 0)
                    place += length;
                if (place.Sign >= 0 && place < length)
                    return text[PythonText.Offset(text, (int)place)..PythonText.Offset(text, (int)place + 1)];
                break;
        }
        return key is string name && Member(value, name, out var member) ? member : JinjaUndefined.Of(value, key);
    }

    /// <summary>What a dotted name of a filter's argument leads to.</summary>
    /// <param name="run">The rendering.</param>
    /// <param name="value">Where it begins.</param>
    /// <param name="path">Names and places with dots between.</param>
    /// <param name="fallback">Stands for what is missing on the way; None for nothing.</param>
    public static object? Path(JinjaRun run, object? value, object? path, object? fallback = null)
    {
        object?[] keys = path is string text
            ? [.. text.Split('.').Select(object? (part) =>
                BigInteger.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                    ? index
                    : part)]
            : [path];
        foreach (var key in keys)
        {
            value = Item(run, value, key);
            if (value is JinjaUndefined && fallback is not null)
                value = fallback;
        }
        return value;
    }

    /// <summary><c>value[start:stop:step]</c>.</summary>
    public static object Slice(JinjaRun run, object? value, object? start, object? stop, object? step)
    {
        if (value is JinjaUndefined undefined)
            throw undefined.Error();
        var by = step is null ? 1 : JinjaValue.Int(step, "a slice's step");
        if (by == 0)
            throw new JinjaException("slice step cannot be zero");
        by = Math.Max(by, -int.MaxValue);
        if (value is string text)
        {
            run.SpendItems(text.Length);
            var chosen = Choose(PythonText.CodePoints(text), start, stop, by);
            return string.Concat(chosen);
        }
        if (value is not JinjaSequence { IsIndexed: true } sequence)
            return new JinjaUndefined($"{JinjaValue.OwnerName(value)} has no slices");
        run.SpendItems(sequence.Items.Length);
        return new JinjaSequence(
            sequence.Kind == JinjaSequenceKind.Range ? JinjaSequenceKind.List : sequence.Kind,
            Choose(sequence.Items, start, stop, by));
    }

    private static object?[] Choose(object?[] items, object? start, object? stop, int by)
    {
        int low = by > 0 ? 0 : -1, high = by > 0 ? items.Length : items.Length - 1;
        var first = start is not null ? Place(start) : by > 0 ? low : high;
        var last = stop is not null ? Place(stop) : by > 0 ? high : low;
        var chosen = new List<object?>();
        for (long i = first; by > 0 ? i < last : i > last; i += by)
            chosen.Add(items[i]);
        return [.. chosen];

        int Place(object? value)
        {
            long place = JinjaValue.Int(value, "a slice's bound");
            return (int)Math.Clamp(place < 0 ? place + items.Length : place, low, high);
        }
    }

    private static bool Member(object? value, string name, out object? member)
    {
        member = value switch
        {
            string when PythonStringMethods.All.TryGetValue(name, out var method) => new JinjaMethod(value, method),
            JinjaMapping when PythonMappingMethods.All.TryGetValue(name, out var method) =>
                new JinjaMethod(value, method),
            JinjaMapping when MappingChanges.Contains(name) => JinjaUndefined.Unsafe(value, name),
            JinjaSequence { Kind: JinjaSequenceKind.List } when ListChanges.Contains(name) =>
                JinjaUndefined.Unsafe(value, name),
            JinjaSequence { IsIndexed: true } when name is "index" or "count" or "copy" => SequenceMethod(value, name),
            JinjaLoop loop => loop.Attribute(name),
            JinjaMacro macro when name is "name" => macro.Name,
            JinjaMacro macro when name is "arguments" => macro.ParameterNames,
            JinjaNamespace space when space.Attributes.TryGetValue(name, out var attribute) =>
                attribute ?? JinjaKeys.None,
            _ => null,
        };
        var isThere = member is not null;
        if (ReferenceEquals(member, JinjaKeys.None))
            member = null;
        return isThere;
    }

    private static JinjaMethod SequenceMethod(object value, string name) => new(value, name == "copy"
        ? new JinjaFunction(name, "self", (_, a) => a[0])
        : new JinjaFunction(name, "self value", (run, a) =>
        {
            var items = ((JinjaSequence)a[0]!).Items;
            if (name == "count")
                return (BigInteger)items.Count(item => JinjaValue.AreEqual(run, item, a[1]));
            var place = Array.FindIndex(items, item => JinjaValue.AreEqual(run, item, a[1]));
            return place >= 0
                ? (BigInteger)place
                : throw new JinjaException($"{JinjaPrinter.ShortRepr(a[1])} is not in list");
        }));
}
