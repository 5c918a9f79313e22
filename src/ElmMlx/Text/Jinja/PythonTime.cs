using System.Globalization;
using System.Text;

namespace ElmMlx.Text.Jinja;

/// <summary>Python's <c>strftime</c> in the C locale.</summary>
internal static class PythonTime
{
    public static string Format(DateTimeOffset time, string format)
    {
        var result = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }
            var isUnpadded = format[i + 1] == '-' && i + 2 < format.Length;
            i += isUnpadded ? 2 : 1;
            var text = Directive(time, format[i]);
            result.Append(isUnpadded && text.Length > 1 ? text.TrimStart('0', ' ').PadLeft(1, '0') : text);
        }
        return result.ToString();
    }

    private static string Directive(DateTimeOffset time, char directive) => directive switch
    {
        'a' => Net(time, "ddd"),
        'A' => Net(time, "dddd"),
        'b' or 'h' => Net(time, "MMM"),
        'B' => Net(time, "MMMM"),
        'c' => $"{Net(time, "ddd MMM")} {time.Day,2} {Net(time, "HH:mm:ss yyyy")}",
        'd' => Net(time, "dd"),
        'D' or 'x' => Net(time, "MM/dd/yy"),
        'e' => $"{time.Day,2}",
        'f' => Net(time, "ffffff"),
        'F' => Net(time, "yyyy-MM-dd"),
        'H' => Net(time, "HH"),
        'I' => Net(time, "hh"),
        'j' => $"{time.DayOfYear:000}",
        'm' => Net(time, "MM"),
        'M' => Net(time, "mm"),
        'n' => "\n",
        'p' => Net(time, "tt"),
        'R' => Net(time, "HH:mm"),
        'S' => Net(time, "ss"),
        't' => "\t",
        'T' or 'X' => Net(time, "HH:mm:ss"),
        'u' => $"{(((int)time.DayOfWeek + 6) % 7) + 1}",
        'w' => $"{(int)time.DayOfWeek}",
        'y' => Net(time, "yy"),
        'Y' => Net(time, "yyyy"),
        'z' or 'Z' => "", // Python's time has no zone here.
        '%' => "%",
        _ => throw new JinjaException($"strftime_now does not know %{directive}"),
    };

    private static string Net(DateTimeOffset time, string format) =>
        time.DateTime.ToString(format.Replace("/", "'/'"), CultureInfo.InvariantCulture);
}
