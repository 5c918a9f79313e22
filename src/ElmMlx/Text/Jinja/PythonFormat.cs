using System.Globalization;
using System.Numerics;
using System.Text;

namespace ElmMlx.Text.Jinja;

/// <summary>Python's <c>%</c> on texts and <c>str.format</c>, as far as chat templates go.</summary>
internal static class PythonFormat
{
    private const int MaxWidth = 1000;

    /// <summary><c>format % values</c>: s, r, d, i, f, x, with flags, width and precision.</summary>
    public static string Percent(JinjaRun run, string format, object? values)
    {
        var items = values is JinjaSequence { Kind: JinjaSequenceKind.Tuple } tuple ? tuple.Items : [values];
        var result = new StringBuilder();
        var used = 0;
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                result.Append(format[i]);
                continue;
            }
            var start = ++i;
            while (i < format.Length && "-+ 0#".Contains(format[i]))
                i++;
            var flags = format[start..i];
            var width = ReadNumber(format, ref i) ?? 0;
            int? precision = null;
            if (i < format.Length && format[i] == '.')
            {
                i++;
                precision = ReadNumber(format, ref i) ?? 0;
            }
            if (i == format.Length)
                throw new JinjaException("incomplete format");
            if (format[i] == '%')
            {
                result.Append('%');
                continue;
            }
            if (used == items.Length)
                throw new JinjaException("not enough arguments for format string");
            var text = Convert(run, format[i], flags, precision, items[used++]);
            run.SpendText(text.Length + (long)width);
            result.Append(Pad(text, flags, width, format[i] is not ('s' or 'r')));
        }
        run.SpendText(result.Length);
        return used == items.Length || values is JinjaMapping
            ? result.ToString()
            : throw new JinjaException("not all arguments converted during string formatting");
    }

    /// <summary><c>format.format(…)</c> with <c>{}</c>, <c>{0}</c> and <c>{name}</c>.</summary>
    public static string Braces(JinjaRun run, string format, JinjaArguments arguments)
    {
        var result = new StringBuilder();
        var next = 0;
        for (var i = 0; i < format.Length; i++)
        {
            var c = format[i];
            if (c is not ('{' or '}'))
                result.Append(c);
            else if (i + 1 < format.Length && format[i + 1] == c)
                result.Append(format[i++]);
            else
            {
                var end = c == '{' ? format.IndexOf('}', i) : -1;
                if (end < 0)
                    throw new JinjaException($"Single {PythonText.Quote(c.ToString())} encountered in format string");
                var text = JinjaPrinter.Text(run, Field(format[(i + 1)..end], arguments, ref next));
                run.SpendText(text.Length);
                result.Append(text);
                i = end;
            }
        }
        run.SpendText(result.Length);
        return result.ToString();
    }

    private static object? Field(string name, JinjaArguments arguments, ref int next)
    {
        var isPlace = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var place);
        if (name.Length == 0)
            (isPlace, place) = (true, next++);
        if (isPlace)
            return place < arguments.Positional.Length
                ? arguments.Positional[place]
                : throw new JinjaException($"Replacement index {place} out of range for positional args tuple");
        return arguments.Named.TryGetValue(name, out var value)
            ? value
            : throw new JinjaException($"format() knows {{}}, {{0}} and {{name}} here, and has nothing for {{{name}}}");
    }

    private static string Convert(JinjaRun run, char type, string flags, int? precision, object? value)
    {
        if (type is 's' or 'r')
        {
            var text = type == 's' ? JinjaPrinter.Text(run, value) : JinjaPrinter.Repr(run, value);
            return precision is { } length ? text[..PythonText.Offset(text, length)] : text;
        }
        if (value is JinjaUndefined undefined)
            throw undefined.Error();
        if (JinjaValue.Float(value) is not { } number)
            throw new JinjaException($"%{type} format: a real number is required, not {JinjaValue.TypeName(value)}");
        var whole = JinjaValue.Whole(value);
        if (whole is null && !double.IsFinite(number) && type != 'f')
            throw new JinjaException($"%{type} format: the number is not finite");
        var digits = type switch
        {
            'd' or 'i' => PythonText.Number(whole ?? new BigInteger(number)),
            'f' => double.IsFinite(number)
                ? number.ToString("F" + (precision ?? 6), CultureInfo.InvariantCulture)
                : PythonText.Number(number),
            'x' or 'X' when whole is { } hex => (hex.Sign < 0 ? "-" : "") + HexDigits(BigInteger.Abs(hex), type),
            _ => throw new JinjaException($"unsupported format character {PythonText.Quote(type.ToString())}"),
        };
        return digits[0] == '-'
            ? digits
            : flags.Contains('+') ? "+" + digits : flags.Contains(' ') ? " " + digits : digits;
    }

    private static string HexDigits(BigInteger value, char type)
    {
        var text = value.ToString(type.ToString(), CultureInfo.InvariantCulture).TrimStart('0');
        return text.Length > 0 ? text : "0";
    }

    private static string Pad(string text, string flags, int width, bool isNumber)
    {
        if (flags.Contains('-'))
            return text.PadRight(width);
        if (!isNumber || !flags.Contains('0'))
            return text.PadLeft(width);
        var sign = text[0] is '-' or '+' or ' ' ? 1 : 0;
        return text[..sign] + text[sign..].PadLeft(Math.Max(0, width - sign), '0');
    }

    private static int? ReadNumber(string format, ref int place)
    {
        var start = place;
        while (place < format.Length && char.IsAsciiDigit(format[place]))
            place++;
        if (place == start)
            return null;
        return int.TryParse(
            format[start..place], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= MaxWidth
            ? number
            : throw new JinjaException($"a format has a width or precision above {MaxWidth}");
    }
}
