using System.Numerics;

namespace ElmMlx.Text.Jinja;

/// <summary>
/// Python's view of values: null is None, and there are bool, BigInteger, double, string, <see cref="JinjaSequence"/>,
/// <see cref="JinjaMapping"/>, <see cref="JinjaNamespace"/>, <see cref="JinjaCallable"/>, <see cref="JinjaUndefined"/>.
/// </summary>
internal static class JinjaValue
{
    public static string TypeName(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        BigInteger => "int",
        double => "float",
        string => "str",
        JinjaSequence sequence => sequence.Kind switch
        {
            JinjaSequenceKind.List => "list",
            JinjaSequenceKind.Tuple => "tuple",
            JinjaSequenceKind.Range => "range",
            JinjaSequenceKind.View => sequence.Repr!,
            _ => "generator",
        },
        JinjaMapping => "dict",
        JinjaNamespace => "Namespace",
        JinjaMacro => "Macro",
        JinjaLoop => "LoopContext",
        JinjaUndefined => "Undefined",
        JinjaMethod => "builtin_function_or_method",
        _ => "function",
    };

    /// <summary>The type as messages on missing attributes name it.</summary>
    public static string OwnerName(object? value) => value switch
    {
        null => "None",
        JinjaNamespace => "jinja2.utils.Namespace object",
        JinjaMacro => "jinja2.runtime.Macro object",
        JinjaLoop => "jinja2.runtime.LoopContext object",
        _ => TypeName(value) + " object",
    };

    public static bool IsTrue(object? value) => value switch
    {
        null or JinjaUndefined => false,
        bool flag => flag,
        BigInteger number => !number.IsZero,
        double number => number != 0,
        string text => text.Length > 0,
        JinjaSequence sequence => sequence.Kind == JinjaSequenceKind.Generator || sequence.Items.Length > 0,
        JinjaMapping mapping => mapping.Count > 0,
        _ => true,
    };

    /// <summary>The items that a loop goes through.</summary>
    public static object?[] Iterate(JinjaRun run, object? value)
    {
        switch (value)
        {
            case JinjaSequence sequence:
                var items = sequence.Take();
                run.Spend(items.Length);
                return items;
            case string text:
                run.SpendItems(text.Length);
                return PythonText.CodePoints(text);
            case JinjaMapping mapping:
                run.SpendItems(mapping.Count);
                return [.. mapping.Keys];
            case JinjaUndefined:
                return [];
            default:
                throw new JinjaException($"{PythonText.Quote(TypeName(value))} object is not iterable");
        }
    }

    /// <summary>Python's <c>len</c>; null where a value has none.</summary>
    public static int? Length(JinjaRun run, object? value)
    {
        if (value is string counted)
            run.Spend(counted.Length);
        return value switch
        {
            string text => PythonText.Length(text),
            JinjaSequence { Kind: not JinjaSequenceKind.Generator } sequence => sequence.Items.Length,
            JinjaMapping mapping => mapping.Count,
            JinjaUndefined => 0,
            _ => null,
        };
    }

    /// <summary>A whole number, for Python also True and False; null for anything else.</summary>
    public static BigInteger? Whole(object? value) => value switch
    {
        BigInteger number => number,
        bool flag => flag ? BigInteger.One : BigInteger.Zero,
        _ => null,
    };

    /// <summary>A number as a float; null for anything else.</summary>
    public static double? Float(object? value) => value is double number ? number : (double?)Whole(value);

    /// <exception cref="JinjaException">It is no whole number.</exception>
    public static int Int(object? value, string what)
    {
        if (value is JinjaUndefined undefined)
            throw undefined.Error();
        var number = Whole(value) ?? throw new JinjaException($"{what} is {TypeName(value)}, not a whole number");
        return (int)BigInteger.Clamp(number, int.MinValue, int.MaxValue);
    }

    public static bool AreEqual(JinjaRun run, object? left, object? right)
    {
        run.Step();
        switch (left, right)
        {
            case (string a, string b):
                run.Spend(Math.Min(a.Length, b.Length));
                return a == b;
            case (double, _) or (_, double):
                return left is double x && right is double y ? x == y : MixedEqual(left, right);
            case (JinjaSequence a, JinjaSequence b):
                if (ReferenceEquals(a, b))
                    return true;
                if (a.Kind != b.Kind || !a.IsIndexed || a.Items.Length != b.Items.Length)
                    return false;
                for (var i = 0; i < a.Items.Length; i++)
                    if (!AreEqual(run, a.Items[i], b.Items[i]))
                        return false;
                return true;
            case (JinjaMapping a, JinjaMapping b):
                if (a.Count != b.Count)
                    return false;
                foreach (var (key, value) in a.Entries)
                    if (!b.TryGet(key, out var other) || !AreEqual(run, value, other))
                        return false;
                return true;
            case (JinjaUndefined, JinjaUndefined) or (null, null):
                return true;
            default:
                return Whole(left) is { } m && Whole(right) is { } n ? m == n : ReferenceEquals(left, right);
        }
    }

    // A float and a whole number are equal when they are exactly so.
    private static bool MixedEqual(object? left, object? right)
    {
        var number = (double)(left is double ? left : right)!;
        return Whole(left is double ? right : left) is { } whole
            && double.IsInteger(number)
            && new BigInteger(number) == whole;
    }
}
