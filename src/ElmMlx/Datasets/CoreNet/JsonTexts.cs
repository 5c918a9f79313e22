using System.Text;
using System.Text.Json;

namespace ElmMlx.Datasets;

/// <summary>
/// JSON strings as pandas reads them: an escaped half of a surrogate pair that stands alone is left out, where .NET's own
/// reader refuses the string.
/// </summary>
internal static class JsonTexts
{
    /// <param name="json">A reader that stands at a string.</param>
    public static string Read(in Utf8JsonReader json)
    {
        ReadOnlySpan<byte> raw = json.ValueSpan;
        if (!json.ValueIsEscaped)
            return Encoding.UTF8.GetString(raw);
        string escaped = Encoding.UTF8.GetString(raw);
        var text = new StringBuilder(escaped.Length);
        for (int i = 0; i < escaped.Length; i++)
        {
            if (escaped[i] != '\\')
            {
                text.Append(escaped[i]);
                continue;
            }
            char c = escaped[++i];
            if (c != 'u')
            {
                text.Append(c switch { 'n' => '\n', 't' => '\t', 'r' => '\r', 'b' => '\b', 'f' => '\f', _ => c });
                continue;
            }
            char unit = Unit(escaped, i + 1);
            i += 4;
            if (!char.IsSurrogate(unit))
            {
                text.Append(unit);
            }
            else if (char.IsHighSurrogate(unit) && i + 6 < escaped.Length && escaped[i + 1] == '\\' &&
                escaped[i + 2] == 'u' && Unit(escaped, i + 3) is var low && char.IsLowSurrogate(low))
            {
                text.Append(unit).Append(low);
                i += 6;
            }
        }
        return text.ToString();
    }

    // The reader has checked the digits.
    private static char Unit(string escaped, int start) => (char)Convert.ToUInt16(escaped.Substring(start, 4), 16);
}
