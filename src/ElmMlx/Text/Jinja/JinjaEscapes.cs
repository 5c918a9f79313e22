using System.Globalization;
using System.Text;

namespace ElmMlx.Text.Jinja;

/// <summary>Escapes in quoted texts, Python's.</summary>
internal static class JinjaEscapes
{
    /// <summary>Appends what an escape means.</summary>
    /// <param name="source">The template.</param>
    /// <param name="place">The character behind the backslash.</param>
    /// <param name="text">Where to.</param>
    /// <param name="line">For the message.</param>
    /// <returns>The place behind the escape.</returns>
    public static int Read(string source, int place, StringBuilder text, int line)
    {
        var c = source[place];
        switch (c)
        {
            case '\n':
                return place + 1;
            case 'x':
                return ReadHex(source, place + 1, 2, text, line);
            case 'u':
                return ReadHex(source, place + 1, 4, text, line);
            case 'U':
                return ReadHex(source, place + 1, 8, text, line);
            case >= '0' and <= '7':
                var (value, end) = (0, place);
                for (; end < source.Length && end < place + 3 && source[end] is >= '0' and <= '7'; end++)
                    value = (value * 8) + (source[end] - '0');
                text.Append((char)value);
                return end;
            default:
                var index = "abfnrtv\\'\"".IndexOf(c);
                text.Append(index < 0 ? $"\\{c}" : "\a\b\f\n\r\t\v\\'\""[index].ToString());
                return place + 1;
        }
    }

    private static int ReadHex(string source, int place, int digits, StringBuilder text, int line)
    {
        if (place + digits > source.Length || !uint.TryParse(
            source.AsSpan(place, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            || value > 0x10FFFF)
            throw new JinjaException(
                $"a text has an escape that is not \\{source[place - 1]} and {digits} hexadecimal digits", line);
        if (value < 0x10000)
            text.Append((char)value);
        else
            text.Append(char.ConvertFromUtf32((int)value));
        return place + digits;
    }
}
