using System.Numerics;

namespace ElmMlx.Text.Jinja;

/// <summary>Filters of rows of values.</summary>
internal static class JinjaListFilters
{
    public static readonly JinjaCallable[] All =
    [
        new JinjaFunction("length", "value", (run, a) => Length(run, a)),
        new JinjaFunction("count", "value", (run, a) => Length(run, a)),
        new JinjaFunction("first", "value", (run, a) => End(JinjaValue.Iterate(run, a[0]), 0, "first")),
        new JinjaFunction("last", "value", (run, a) => End(JinjaValue.Iterate(run, a[0]), ^1, "last")),
        new JinjaFunction("list", "value", (run, a) => JinjaSequence.List(JinjaValue.Iterate(run, a[0]))),
        new JinjaFunction("items", "value", (run, a) => a[0] switch
        {
            JinjaUndefined => JinjaSequence.Generator([]),
            JinjaMapping mapping => JinjaSequence.Generator(PythonMappingMethods.Items(run, mapping)),
            _ => throw new JinjaException("Can only get item pairs from a mapping."),
        }),
        new JinjaFunction("reverse", "value", (run, a) => a[0] is string
            ? JinjaAccess.Slice(run, a[0], null, null, BigInteger.MinusOne)
            : JinjaSequence.Generator([.. JinjaValue.Iterate(run, a[0]).Reverse()])),
        new JinjaFunction(
            "sort", "value reverse=false case_sensitive=false attribute=none", (run, a) => JinjaSequence.List(
            Sorted(run, JinjaValue.Iterate(run, a[0]), KeyOf(run, a[3], JinjaValue.IsTrue(a[2])),
                JinjaValue.IsTrue(a[1])))),
        new JinjaFunction("dictsort", "value case_sensitive=false by='key' reverse=false", DictionarySort),
        new JinjaFunction("unique", "value case_sensitive=false attribute=none", Unique),
        new JinjaFunction(
            "min", "value case_sensitive=false attribute=none", (run, a) => Extreme(run, a, isMaximum: false)),
        new JinjaFunction(
            "max", "value case_sensitive=false attribute=none", (run, a) => Extreme(run, a, isMaximum: true)),
        new JinjaFunction("sum", "iterable attribute=none start=0", (run, a) => JinjaValue.Iterate(run, a[0])
            .Select(item => a[1] is null ? item : JinjaAccess.Path(run, item, a[1]))
            .Aggregate(a[2], (sum, item) => JinjaOperators.Binary(run, "+", sum, item))),
        new JinjaFunction("batch", "value linecount fill_with=none", Batch),
        new JinjaFunction("slice", "value slices fill_with=none", Slice),
        new JinjaFunction("groupby", "value attribute default=none case_sensitive=false", GroupBy),
    ];

    /// <summary>Sorts as Python does: stable, also when it is turned round.</summary>
    private static object?[] Sorted(JinjaRun run, object?[] items, Func<object?, object?> key, bool reverse)
    {
        var order = Comparer<object?>.Create((x, y) => -(JinjaOperators.Order(run, "<", y, x) ?? 0));
        var keyed = items.Select(item => (Key: key(item), Item: item)).ToArray();
        try
        {
            var sorted = reverse ? keyed.OrderByDescending(k => k.Key, order) : keyed.OrderBy(k => k.Key, order);
            return [.. sorted.Select(k => k.Item)];
        }
        catch (InvalidOperationException e) when (e.InnerException is JinjaException reason)
        {
            throw new JinjaException(reason.Message);
        }
    }

    private static Func<object?, object?> KeyOf(JinjaRun run, object? attribute, bool isCaseSensitive)
    {
        if (attribute is string names && names.Contains(','))
        {
            var keys = names.Split(',').Select(name => KeyOf(run, name, isCaseSensitive)).ToArray();
            return item => JinjaSequence.Tuple([.. keys.Select(key => key(item))]);
        }
        return item =>
        {
            var value = attribute is null ? item : JinjaAccess.Path(run, item, attribute);
            if (value is not string text || isCaseSensitive)
                return value;
            run.SpendText(text.Length);
            return text.ToLowerInvariant();
        };
    }

    private static BigInteger Length(JinjaRun run, object?[] a) => JinjaValue.Length(run, a[0]) is { } length
        ? length
        : throw new JinjaException($"object of type {PythonText.Quote(JinjaValue.TypeName(a[0]))} has no len()");

    private static object? End(object?[] items, Index place, string name) => items.Length > 0
        ? items[place]
        : new JinjaUndefined($"No {name} item, sequence was empty.");

    private static JinjaSequence DictionarySort(JinjaRun run, object?[] a)
    {
        if (a[0] is not JinjaMapping mapping)
            throw new JinjaException($"{PythonText.Quote(JinjaValue.TypeName(a[0]))} object has no attribute 'items'");
        BigInteger place = a[2] switch
        {
            "key" => 0,
            "value" => 1,
            _ => throw new JinjaException("You can only sort by either \"key\" or \"value\""),
        };
        return JinjaSequence.List(Sorted(
            run, PythonMappingMethods.Items(run, mapping), KeyOf(run, place, JinjaValue.IsTrue(a[1])),
            JinjaValue.IsTrue(a[3])));
    }

    private static JinjaSequence Unique(JinjaRun run, object?[] a)
    {
        var key = KeyOf(run, a[2], JinjaValue.IsTrue(a[1]));
        var seen = new HashSet<object>(JinjaKeys.Comparer);
        return JinjaSequence.Generator(
            [.. JinjaValue.Iterate(run, a[0]).Where(item => seen.Add(JinjaKeys.Of(key(item))))]);
    }

    private static object? Extreme(JinjaRun run, object?[] a, bool isMaximum)
    {
        var key = KeyOf(run, a[2], JinjaValue.IsTrue(a[1]));
        var items = JinjaValue.Iterate(run, a[0]);
        if (items.Length == 0)
            return new JinjaUndefined("No aggregated item, sequence was empty.");
        var best = items[0];
        foreach (var item in items.Skip(1))
            if (JinjaOperators.Compare(run, isMaximum ? ">" : "<", key(item), key(best)))
                best = item;
        return best;
    }

    private static JinjaSequence Batch(JinjaRun run, object?[] a)
    {
        var size = JinjaValue.Int(a[1], "a batch's size");
        if (size < 1)
            throw new JinjaException("a batch has at least one item");
        var batches = JinjaValue.Iterate(run, a[0]).Chunk(size).ToArray();
        if (a[2] is not null && batches.Length > 0)
        {
            run.SpendItems(size);
            batches[^1] = [.. batches[^1], .. Enumerable.Repeat(a[2], size - batches[^1].Length)];
        }
        return JinjaSequence.Generator([.. batches.Select(JinjaSequence.List)]);
    }

    private static JinjaSequence Slice(JinjaRun run, object?[] a)
    {
        var items = JinjaValue.Iterate(run, a[0]);
        var count = JinjaValue.Int(a[1], "a number of slices");
        if (count < 1)
            throw new JinjaException("there is at least one slice");
        run.SpendItems(count);
        var (size, longer) = Math.DivRem(items.Length, count);
        var slices = new object?[count];
        for (int i = 0, start = 0; i < count; i++)
        {
            var end = start + size + (i < longer ? 1 : 0);
            object?[] slice = items[start..end];
            slices[i] = JinjaSequence.List(a[2] is not null && i >= longer ? [.. slice, a[2]] : slice);
            start = end;
        }
        return JinjaSequence.Generator(slices);
    }

    private static JinjaSequence GroupBy(JinjaRun run, object?[] a)
    {
        object? Attribute(object? item) => JinjaAccess.Path(run, item, a[1], a[2]);
        object? Key(object? item) =>
            Attribute(item) is string text && !JinjaValue.IsTrue(a[3]) ? text.ToLowerInvariant() : Attribute(item);
        var groups = new List<(object? Name, object? Key, List<object?> Items)>();
        foreach (var item in Sorted(run, JinjaValue.Iterate(run, a[0]), Key, reverse: false))
        {
            var key = Key(item);
            if (groups.Count == 0 || !JinjaValue.AreEqual(run, groups[^1].Key, key))
                groups.Add((Attribute(item), key, []));
            groups[^1].Items.Add(item);
        }
        return JinjaSequence.List(
            [.. groups.Select(object? (g) => JinjaSequence.Tuple(g.Name, JinjaSequence.List([.. g.Items])))]);
    }
}
