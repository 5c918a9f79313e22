using System.Numerics;

namespace ElmMlx.Text.Jinja;

/// <summary>Python's operators.</summary>
internal static class JinjaOperators
{
    private const long MaxBits = 1 << 14;

    public static object? Binary(JinjaRun run, string name, object? left, object? right)
    {
        Refuse(left);
        Refuse(right);
        if (name == "+"
            && (left is string || left is JinjaSequence { Kind: JinjaSequenceKind.List or JinjaSequenceKind.Tuple }))
        {
            if (left is string a && right is string b)
                return PythonStringMethods.Join(run, "", [a, b]);
            return Concatenate(run, left, right);
        }
        if (name == "*" && (left is string or JinjaSequence || right is string or JinjaSequence))
            return Repeat(run, left, right);
        if (name == "%" && left is string format)
            return PythonFormat.Percent(run, format, right);
        if (JinjaValue.Whole(left) is { } m && JinjaValue.Whole(right) is { } n)
            return Whole(run, name, m, n);
        return JinjaValue.Float(left) is { } x && JinjaValue.Float(right) is { } y
            ? Float(name, x, y)
            : throw new JinjaException(
                $"unsupported operand type(s) for {(name == "**" ? "** or pow()" : name)}: " +
                $"{PythonText.Quote(JinjaValue.TypeName(left))} and {PythonText.Quote(JinjaValue.TypeName(right))}");
    }

    public static object Unary(string name, object? value)
    {
        Refuse(value);
        var sign = name == "-" ? -1 : 1;
        return JinjaValue.Whole(value) is { } whole ? whole * sign
            : value is double number ? number * sign
            : throw new JinjaException(
                $"bad operand type for unary {name}: {PythonText.Quote(JinjaValue.TypeName(value))}");
    }

    /// <summary><c>==</c> and the like, <c>in</c> and <c>not in</c>.</summary>
    public static bool Compare(JinjaRun run, string name, object? left, object? right) => name switch
    {
        "==" => JinjaValue.AreEqual(run, left, right),
        "!=" => !JinjaValue.AreEqual(run, left, right),
        "in" => Contains(run, right, left),
        "not in" => !Contains(run, right, left),
        _ => Order(run, name, left, right) is { } order && name switch
        {
            "<" => order < 0,
            "<=" => order <= 0,
            ">" => order > 0,
            _ => order >= 0,
        },
    };

    /// <summary>Less than, equal or greater; null where a NaN is neither.</summary>
    /// <exception cref="JinjaException">The two have no order.</exception>
    public static int? Order(JinjaRun run, string name, object? left, object? right)
    {
        run.Step();
        Refuse(left);
        Refuse(right);
        if (left is string a && right is string b)
        {
            run.Spend(Math.Min(a.Length, b.Length));
            return PythonText.Compare(a, b);
        }
        if (JinjaValue.Whole(left) is { } m && JinjaValue.Whole(right) is { } n)
            return m.CompareTo(n);
        if (JinjaValue.Float(left) is { } x && JinjaValue.Float(right) is { } y)
            return double.IsNaN(x) || double.IsNaN(y) ? null : x.CompareTo(y);
        if (left is JinjaSequence p && right is JinjaSequence q && p.Kind == q.Kind
            && p.Kind is JinjaSequenceKind.List or JinjaSequenceKind.Tuple)
        {
            for (var i = 0; i < p.Items.Length && i < q.Items.Length; i++)
                if (!JinjaValue.AreEqual(run, p.Items[i], q.Items[i]))
                    return Order(run, name, p.Items[i], q.Items[i]);
            return p.Items.Length.CompareTo(q.Items.Length);
        }
        throw new JinjaException(
            $"{PythonText.Quote(name)} not supported between instances of " +
                $"{PythonText.Quote(JinjaValue.TypeName(left))} " +
            $"and {PythonText.Quote(JinjaValue.TypeName(right))}");
    }

    public static bool Contains(JinjaRun run, object? container, object? item)
    {
        switch (container)
        {
            case string text:
                Refuse(item);
                run.Spend(text.Length);
                return item is string part
                    ? text.Contains(part, StringComparison.Ordinal)
                    : throw new JinjaException(
                        $"'in <string>' requires string as left operand, not {JinjaValue.TypeName(item)}");
            case JinjaMapping mapping:
                return mapping.TryGet(item, out _);
            case JinjaSequence sequence:
                return Array.Exists(sequence.Take(), other => JinjaValue.AreEqual(run, item, other));
            case JinjaUndefined:
                return false;
            default:
                throw new JinjaException(
                    $"argument of type {PythonText.Quote(JinjaValue.TypeName(container))} is not iterable");
        }
    }

    private static void Refuse(object? value)
    {
        if (value is JinjaUndefined undefined)
            throw undefined.Error();
    }

    private static JinjaSequence Concatenate(JinjaRun run, object left, object? right)
    {
        if (left is JinjaSequence p && right is JinjaSequence q && p.Kind == q.Kind)
        {
            run.SpendItems((long)p.Items.Length + q.Items.Length);
            return new JinjaSequence(p.Kind, [.. p.Items, .. q.Items]);
        }
        var type = JinjaValue.TypeName(left);
        throw new JinjaException($"can only concatenate {type} (not \"{JinjaValue.TypeName(right)}\") to {type}");
    }

    private static object Repeat(JinjaRun run, object? left, object? right)
    {
        var (value, number) = left is string or JinjaSequence ? (left, right) : (right, left);
        if (JinjaValue.Whole(number) is not { } times)
            throw new JinjaException(
                $"can't multiply sequence by non-int of type {PythonText.Quote(JinjaValue.TypeName(number))}");
        var count = (long)BigInteger.Clamp(times, 0, int.MaxValue);
        if (value is string text)
        {
            run.SpendText(text.Length * count);
            return count == 0 || text.Length == 0
                ? ""
                : string.Create((int)(text.Length * count), text, (span, part) =>
                {
                    for (var i = 0; i < span.Length; i += part.Length)
                        part.CopyTo(span[i..]);
                });
        }
        if (value is not JinjaSequence { Kind: JinjaSequenceKind.List or JinjaSequenceKind.Tuple } list)
            throw new JinjaException(
                $"unsupported operand type(s) for *: {PythonText.Quote(JinjaValue.TypeName(value))}");
        run.SpendItems(list.Items.Length * count);
        var items = new object?[list.Items.Length * count];
        for (var i = 0; i < items.Length; i++)
            items[i] = list.Items[i % list.Items.Length];
        return new JinjaSequence(list.Kind, items);
    }

    private static object Whole(JinjaRun run, string name, BigInteger m, BigInteger n)
    {
        if (n.IsZero && (name is "/" or "//" or "%"))
            throw new JinjaException(name == "/" ? "division by zero" : "integer division or modulo by zero");
        switch (name)
        {
            case "+":
                return Bounded(m + n);
            case "-":
                return Bounded(m - n);
            case "*":
                return Bounded(m * n);
            case "/":
                return (double)m / (double)n;
            case "//":
                return BigInteger.DivRem(m, n, out var rest) - (!rest.IsZero && rest.Sign != n.Sign ? 1 : 0);
            case "%":
                var remainder = BigInteger.Remainder(m, n);
                return !remainder.IsZero && remainder.Sign != n.Sign ? remainder + n : remainder;
            default:
                if (n.Sign < 0)
                    return m.IsZero ? throw new JinjaException(
                        "0.0 cannot be raised to a negative power") : Math.Pow((double)m, (double)n);
                if (BigInteger.Abs(m) > 1 && n * m.GetBitLength() > MaxBits)
                    throw new JinjaException($"a number has more than {MaxBits} bits");
                run.Spend((long)BigInteger.Min(n, MaxBits));
                return BigInteger.Abs(m) > 1
                    ? BigInteger.Pow(m, (int)n)
                    : n.IsZero ? BigInteger.One : m.Sign < 0 && n.IsEven ? -m : m;
        }
    }

    private static BigInteger Bounded(BigInteger number) => number.GetBitLength() <= MaxBits
        ? number
        : throw new JinjaException($"a number has more than {MaxBits} bits");

    private static double Float(string name, double x, double y)
    {
        if (y == 0 && (name is "/" or "//" or "%"))
            throw new JinjaException("float division by zero");
        switch (name)
        {
            case "+":
                return x + y;
            case "-":
                return x - y;
            case "*":
                return x * y;
            case "/":
                return x / y;
            case "//":
                return Math.Floor((x - Modulo(x, y)) / y);
            case "%":
                return Modulo(x, y);
            default:
                var power = Math.Pow(x, y);
                return double.IsFinite(power) || !double.IsFinite(x) || !double.IsFinite(y)
                    ? power
                    : throw new JinjaException(
                        x == 0 ? "0.0 cannot be raised to a negative power" : "a power is no finite number");
        }
    }

    private static double Modulo(double x, double y)
    {
        var rest = x % y;
        return rest != 0 && double.IsNegative(rest) != double.IsNegative(y) ? rest + y : rest;
    }
}
