using System.Globalization;
using System.Numerics;

namespace ElmMlx.Text.Jinja;

/// <summary>What every template can call: Jinja2's functions, and those that transformers adds.</summary>
internal static class JinjaGlobals
{
    private const int MaxRange = 100_000; // The sandbox's bound.

    public static readonly IReadOnlyDictionary<string, object?> All = new JinjaCallable[]
    {
        new JinjaFunction("range", "start stop=none step=1", Range),
        new JinjaVariadic("namespace", Namespace),
        new JinjaVariadic("dict", Mapping),
        new JinjaVariadic("joiner", (_, a) => Joiner(a.Positional is [var separator] ? separator : ", ")),
        new JinjaVariadic("cycler", (_, a) => Cycler(a.Positional)),
        new JinjaFunction("raise_exception", "message", (run, a) =>
            throw new JinjaException(JinjaPrinter.Text(run, a[0]))),
        new JinjaFunction("strftime_now", "format", (run, a) => PythonTime.Format(
            run.Clock.GetLocalNow(), a[0] as string ?? throw new JinjaException("strftime_now takes a text"))),
    }.ToDictionary(f => f.Name, object? (f) => f);

    private static JinjaSequence Range(JinjaRun run, object?[] a)
    {
        var (first, second) = (Number(a[0]), a[1] is null ? (BigInteger?)null : Number(a[1]));
        var (start, stop, step) = (second is null ? 0 : first, second ?? first, Number(a[2]));
        if (step.IsZero)
            throw new JinjaException("range() arg 3 must not be zero");
        var count = BigInteger.Max(0, (stop - start + step - step.Sign) / step);
        if (count > MaxRange)
            throw new JinjaException($"Range too big. The sandbox blocks ranges larger than MAX_RANGE ({MaxRange}).");
        run.SpendItems(4 * (long)count);
        var repr = $"range({Text(start)}, {Text(stop)}{(step.IsOne ? "" : ", " + Text(step))})";
        return JinjaSequence.Range(start, step, (int)count, repr);
    }

    private static JinjaNamespace Namespace(JinjaRun run, JinjaArguments arguments)
    {
        var space = new JinjaNamespace();
        foreach (var (key, value) in Mapping(run, arguments).Entries)
            space.Attributes[key as string ?? throw new JinjaException("a namespace's names are texts")] = value;
        return space;
    }

    private static JinjaMapping Mapping(JinjaRun run, JinjaArguments arguments)
    {
        var mapping = new JinjaMapping();
        if (arguments.Positional.Length > 1)
            throw new JinjaException($"dict expected at most 1 argument, got {arguments.Positional.Length}");
        if (arguments.Positional is [JinjaMapping other])
            foreach (var (key, value) in other.Entries)
                mapping.Set(key, value);
        else if (arguments.Positional is [var pairs])
            foreach (var pair in JinjaValue.Iterate(run, pairs))
                mapping.Set(JinjaValue.Iterate(run, pair) is [var key, var value]
                    ? key
                    : throw new JinjaException("a dict is made of pairs"), value);
        foreach (var (name, value) in arguments.Named)
            mapping.Set(name, value);
        run.SpendItems(4L * mapping.Count);
        return mapping;
    }

    private static JinjaVariadic Joiner(object? separator)
    {
        var isUsed = false;
        return new JinjaVariadic("joiner", (_, _) =>
        {
            var text = isUsed ? separator : "";
            isUsed = true;
            return text;
        });
    }

    private static JinjaNamespace Cycler(object?[] items)
    {
        if (items.Length == 0)
            throw new JinjaException("at least one item has to be provided");
        var place = 0;
        var cycler = new JinjaNamespace();
        cycler.Attributes["current"] = items[0];
        cycler.Attributes["next"] = new JinjaFunction("next", "", (_, _) =>
        {
            var item = items[place];
            place = (place + 1) % items.Length;
            cycler.Attributes["current"] = items[place];
            return item;
        });
        cycler.Attributes["reset"] = new JinjaFunction("reset", "", (_, _) =>
        {
            place = 0;
            cycler.Attributes["current"] = items[0];
            return null;
        });
        return cycler;
    }

    private static BigInteger Number(object? value) => value is JinjaUndefined undefined
        ? throw undefined.Error()
        : JinjaValue.Whole(value) ?? throw new JinjaException(
            $"{PythonText.Quote(JinjaValue.TypeName(value))} object cannot be interpreted as an integer");

    private static string Text(BigInteger number) => number.ToString(CultureInfo.InvariantCulture);
}
