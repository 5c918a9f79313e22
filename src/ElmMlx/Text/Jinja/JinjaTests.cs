using System.Numerics;

namespace ElmMlx.Text.Jinja;

/// <summary>What stands behind <c>is</c>.</summary>
internal static class JinjaTests
{
    private static readonly Dictionary<string, JinjaCallable> All = new JinjaCallable[]
    {
        Of("defined", v => v is not JinjaUndefined),
        Of("undefined", v => v is JinjaUndefined),
        Of("none", v => v is null),
        Of("string", v => v is string),
        Of("boolean", v => v is bool),
        Of("true", v => v is true),
        Of("false", v => v is false),
        Of("number", v => v is bool or BigInteger or double),
        Of("integer", v => v is BigInteger),
        Of("float", v => v is double),
        Of("mapping", v => v is JinjaMapping),
        Of("iterable", v => v is string or JinjaSequence or JinjaMapping or JinjaUndefined),
        Of("sequence", v => v is string or JinjaMapping or JinjaUndefined or JinjaSequence { IsIndexed: true }),
        Of("callable", v => v is JinjaCallable),
        Of("escaped", _ => false),
        Of("filter", v => v is string name && JinjaFilters.Contains(name)),
        Of("test", v => v is string name && All!.ContainsKey(name)),
        Of("odd", v => !Divided(v, 2).IsZero),
        Of("even", v => Divided(v, 2).IsZero),
        new JinjaFunction("divisibleby", "value num", (_, a) => JinjaValue.Whole(a[1]) is { IsZero: false } by
            ? Divided(a[0], by).IsZero
            : throw new JinjaException("integer division or modulo by zero")),
        new JinjaFunction("lower", "value", (run, a) =>
            JinjaPrinter.Text(run, a[0]) is var s && s.Any(char.IsLower) && !s.Any(char.IsUpper)),
        new JinjaFunction("upper", "value", (run, a) =>
            JinjaPrinter.Text(run, a[0]) is var s && s.Any(char.IsUpper) && !s.Any(char.IsLower)),
        new JinjaFunction("sameas", "value other", (run, a) => a[0] is null or bool or string or BigInteger
            ? a[0]?.GetType() == a[1]?.GetType() && JinjaValue.AreEqual(run, a[0], a[1])
            : ReferenceEquals(a[0], a[1])),
        Compared("eq", "=="),
        Compared("equalto", "=="),
        Compared("==", "=="),
        Compared("ne", "!="),
        Compared("!=", "!="),
        Compared("gt", ">"),
        Compared("greaterthan", ">"),
        Compared(">", ">"),
        Compared("ge", ">="),
        Compared(">=", ">="),
        Compared("lt", "<"),
        Compared("lessthan", "<"),
        Compared("<", "<"),
        Compared("le", "<="),
        Compared("<=", "<="),
        Compared("in", "in"),
    }.ToDictionary(t => t.Name);

    /// <exception cref="JinjaException">There is no such test.</exception>
    public static JinjaCallable Find(string name) => All.TryGetValue(name, out var test)
        ? test
        : throw new JinjaException($"No test named {PythonText.Quote(name)}.");

    private static JinjaFunction Of(string name, Predicate<object?> test) => new(name, "value", (_, a) => test(a[0]));

    private static JinjaFunction Compared(string name, string comparison) =>
        new(name, "value other", (run, a) => JinjaOperators.Compare(run, comparison, a[0], a[1]));

    private static BigInteger Divided(object? value, BigInteger by) => value is JinjaUndefined undefined
        ? throw undefined.Error()
        : JinjaValue.Whole(value) is { } whole
            ? whole % by
            : throw new JinjaException($"a whole number is needed, not {JinjaValue.TypeName(value)}");
}
