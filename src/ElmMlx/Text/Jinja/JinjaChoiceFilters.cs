namespace ElmMlx.Text.Jinja;

/// <summary>Filters that apply another filter or a test to every item, and <c>default</c>.</summary>
internal static class JinjaChoiceFilters
{
    public static readonly JinjaCallable[] All =
    [
        new JinjaFunction("default", "value default_value='' boolean=false", Default),
        new JinjaFunction("d", "value default_value='' boolean=false", Default),
        new JinjaFunction("attr", "obj name", (_, a) => a[1] is string name && a[0] is not JinjaMapping
            ? JinjaAccess.Attribute(a[0], name)
            : JinjaUndefined.Of(a[0], a[1])),
        new JinjaVariadic("map", Map),
        new JinjaVariadic("select", (run, a) => Choose(run, a, hasAttribute: false, keeps: true)),
        new JinjaVariadic("reject", (run, a) => Choose(run, a, hasAttribute: false, keeps: false)),
        new JinjaVariadic("selectattr", (run, a) => Choose(run, a, hasAttribute: true, keeps: true)),
        new JinjaVariadic("rejectattr", (run, a) => Choose(run, a, hasAttribute: true, keeps: false)),
    ];

    private static object? Default(JinjaRun run, object?[] a) =>
        a[0] is JinjaUndefined || (JinjaValue.IsTrue(a[2]) && !JinjaValue.IsTrue(a[0])) ? a[1] : a[0];

    private static JinjaSequence Map(JinjaRun run, JinjaArguments arguments)
    {
        var items = JinjaValue.Iterate(run, arguments.Positional[0]);
        if (arguments is { Positional.Length: 1 } && arguments.Named.TryGetValue("attribute", out var attribute))
        {
            if (arguments.Named.Keys.FirstOrDefault(name => name is not ("attribute" or "default")) is { } unknown)
                throw new JinjaException($"Unexpected keyword argument {PythonText.Quote(unknown)}");
            arguments.Named.TryGetValue("default", out var fallback);
            return Each(run, items, item => JinjaAccess.Path(run, item, attribute, fallback));
        }
        if (arguments.Positional.Length < 2 || arguments.Positional[1] is not string name)
            throw new JinjaException("map requires a filter argument");
        var filter = JinjaFilters.Find(name);
        var rest = arguments.From(2);
        return Each(run, items, item => filter.Call(run, rest.After(item)));
    }

    private static JinjaSequence Each(JinjaRun run, object?[] items, Func<object?, object?> map)
    {
        run.SpendItems(items.Length);
        return JinjaSequence.Generator([.. items.Select(item =>
        {
            run.Step();
            return map(item);
        })]);
    }

    private static JinjaSequence Choose(JinjaRun run, JinjaArguments arguments, bool hasAttribute, bool keeps)
    {
        var items = JinjaValue.Iterate(run, arguments.Positional[0]);
        var attribute = hasAttribute
            ? arguments.Positional.Length > 1
                ? arguments.Positional[1]
                : throw new JinjaException("Missing parameter for attribute name")
            : null;
        var place = hasAttribute ? 2 : 1;
        var test = arguments.Positional.Length <= place ? null : arguments.Positional[place] is string name
            ? JinjaTests.Find(name)
            : throw new JinjaException("a test's name is a text");
        var rest = arguments.From(place + 1);
        return JinjaSequence.Generator([.. items.Where(item =>
        {
            run.Step();
            var value = hasAttribute ? JinjaAccess.Path(run, item, attribute) : item;
            return JinjaValue.IsTrue(test is null ? value : test.Call(run, rest.After(value))) == keeps;
        })]);
    }
}
