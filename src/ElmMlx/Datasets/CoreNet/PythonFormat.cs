using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ElmMlx.Datasets;

/// <summary>
/// Python's <c>str.format</c> with one whole number under one name: what the file names of CoreNet's data lists are
/// written with.
/// </summary>
internal static partial class PythonFormat
{
    /// <summary>Fills a template: <c>part-{file_id:05d}.jsonl</c>.</summary>
    /// <param name="template">The template; doubled braces stand for themselves.</param>
    /// <param name="name">The only name that may stand in braces.</param>
    /// <param name="value">Its value, at least 0.</param>
    /// <exception cref="FormatException">The template is none, or asks for what a file name has no use for.</exception>
    public static string Format(string template, string name, int value)
    {
        var result = new StringBuilder();
        for (int i = 0; i < template.Length; i++)
        {
            char c = template[i];
            if (c is not ('{' or '}'))
            {
                result.Append(c);
            }
            else if (i + 1 < template.Length && template[i + 1] == c)
            {
                result.Append(c);
                i++;
            }
            else if (c == '}' || template.IndexOf('}', i) is var end && end < 0)
            {
                throw new FormatException(
                    $"there is a single '{c}' at character {i + 1}; a brace that is meant is doubled");
            }
            else
            {
                result.Append(Field(template[(i + 1)..end], name, value));
                i = end;
            }
        }
        return result.ToString();
    }

    private static string Field(string field, string name, int value)
    {
        int colon = field.IndexOf(':');
        string given = colon < 0 ? field : field[..colon];
        if (given != name)
            throw new FormatException($"there is '{{{field}}}', and the only name known here is {name}");
        return colon < 0 ? value.ToString(CultureInfo.InvariantCulture) : Number(field[(colon + 1)..], value);
    }

    // [[fill]align][0][width][type]; signs, prefixes and separators have no place in a file's name
    private static string Number(string format, int value)
    {
        Match match = Specification().Match(format);
        if (!match.Success)
            throw new FormatException($"'{format}' is no format of a number in a file's name, such as 05d");
        int width = match.Groups["width"].Length > 0
            ? int.Parse(match.Groups["width"].ValueSpan, CultureInfo.InvariantCulture)
            : 0;
        char fill = match.Groups["fill"].Length > 0 ? match.Groups["fill"].Value[0]
            : match.Groups["zero"].Success ? '0' : ' ';
        string digits = Digits(value, match.Groups["type"].Value);
        return match.Groups["align"].Value switch
        {
            "<" => digits.PadRight(width, fill),
            "^" => digits.PadLeft((width + digits.Length) / 2, fill).PadRight(width, fill),
            _ => digits.PadLeft(width, fill),
        };
    }

    private static string Digits(int value, string type) => type switch
    {
        "b" => value.ToString("b", CultureInfo.InvariantCulture),
        "o" => Convert.ToString(value, 8),
        "x" => value.ToString("x", CultureInfo.InvariantCulture),
        "X" => value.ToString("X", CultureInfo.InvariantCulture),
        _ => value.ToString(CultureInfo.InvariantCulture),
    };

    [GeneratedRegex(
        @"^((?<fill>.)?(?<align>[<>=^]))?(?<zero>0)?(?<width>[0-9]{1,3})?(?<type>[bdoxXn])?$",
        RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex Specification();
}
