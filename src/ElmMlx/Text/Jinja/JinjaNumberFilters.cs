using System.Globalization;
using System.Numerics;

namespace ElmMlx.Text.Jinja;

/// <summary>Filters that give numbers.</summary>
internal static class JinjaNumberFilters
{
    private const int MaxDigits = 4300; // Python's bound.

    public static readonly JinjaCallable[] All =
    [
        new JinjaFunction("abs", "x", (_, a) => JinjaValue.Whole(a[0]) is { } whole ? BigInteger.Abs(whole)
            : a[0] is double number ? Math.Abs(number)
            : a[0] is JinjaUndefined undefined ? throw undefined.Error()
            : throw new JinjaException($"bad operand type for abs(): {PythonText.Quote(JinjaValue.TypeName(a[0]))}")),
        new JinjaFunction(
            "int", "value default=0 base=10", (_, a) => Whole(a[0], JinjaValue.Int(a[2], "a base")) ?? a[1]),
        new JinjaFunction("float", "value default=0.0", (_, a) => Float(a[0]) ?? a[1]),
        new JinjaFunction("round", "value precision=0 method='common'", Round),
    ];

    private static object? Whole(object? value, int radix) => value switch
    {
        string text => (object?)Parse(text, radix) ?? (Float(text) is double number ? Whole(number, radix) : null),
        double number => double.IsFinite(number) ? new BigInteger(number) : null,
        _ => JinjaValue.Whole(value),
    };

    private static BigInteger? Parse(string text, int radix)
    {
        var digits = PythonText.Trim(text).Replace("_", "");
        if (digits.Length > MaxDigits)
            return null;
        if (radix == 10)
            return BigInteger.TryParse(
                digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
        if (radix is < 2 or > 36)
            return null;
        var prefix = radix switch { 16 => "0x", 8 => "0o", 2 => "0b", _ => "" };
        var isNegative = digits.StartsWith('-');
        digits = digits.TrimStart('+', '-').ToLowerInvariant();
        if (prefix.Length > 0 && digits.StartsWith(prefix, StringComparison.Ordinal))
            digits = digits[2..];
        var sum = BigInteger.Zero;
        foreach (var c in digits)
        {
            var digit = char.IsAsciiDigit(c) ? c - '0' : c is >= 'a' and <= 'z' ? c - 'a' + 10 : int.MaxValue;
            if (digit >= radix)
                return null;
            sum = (sum * radix) + digit;
        }
        return digits.Length == 0 ? null : isNegative ? -sum : sum;
    }

    private static object? Float(object? value)
    {
        if (value is not string text)
            return JinjaValue.Float(value);
        text = PythonText.Trim(text).ToLowerInvariant();
        return text.TrimStart('+', '-') switch
        {
            "inf" or "infinity" => text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity,
            "nan" => double.NaN,
            _ => double.TryParse(text.Replace("_", ""), NumberStyles.Float, CultureInfo.InvariantCulture,
                out var number) ? number : null,
        };
    }

    private static object? Round(JinjaRun run, object?[] a)
    {
        if (a[0] is JinjaUndefined undefined)
            throw undefined.Error();
        var number = JinjaValue.Float(a[0])
            ?? throw new JinjaException($"type {JinjaValue.TypeName(a[0])} doesn't define __round__ method");
        var precision = JinjaValue.Int(a[1], "a precision");
        if (precision is < 0 or > 18)
            throw new JinjaException("round takes a precision from 0 to 18 here");
        var power = Math.Pow(10, precision);
        return a[2] switch
        {
            "common" => JinjaValue.Whole(a[0]) is { } whole ? whole : Nearest(number, precision),
            "ceil" => Math.Ceiling(number * power) / power,
            "floor" => Math.Floor(number * power) / power,
            _ => throw new JinjaException("method must be common, ceil or floor"),
        };
    }

    // Rounds what the float is exactly, halves to even, as Python does.
    private static double Nearest(double number, int precision)
    {
        const double largest = 1e9; // Above it, decimal's 28 digits would not hold the places that matter.
        return precision == 0 ? Math.Round(number, MidpointRounding.ToEven)
            : Math.Abs(number) < largest
                ? (double)Math.Round(
                    decimal.Parse(number.ToString("F18", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
                    precision, MidpointRounding.ToEven)
                : double.IsFinite(number)
                    ? double.Parse(
                        number.ToString("F" + precision, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)
                    : number;
    }
}
