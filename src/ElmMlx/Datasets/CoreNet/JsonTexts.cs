using System.Text;
using System.Text.Json;

namespace ElmMlx.Datasets;

/// <summary>
/// JSON strings as pandas reads them: an escaped half of a surrogate pair that stands alone is left out, where .NET's
/// own reader refuses the string.
/// </summary>
internal static class JsonTexts
{
    /// <param name="json">A string.</param>
    public static string Read(JsonElement json)
    {
        string raw = json.GetRawText();
        return raw.Contains(@"\ud", StringComparison.OrdinalIgnoreCase) ? Unescape(raw[1..^1]) : json.GetString()!;
    }

    private static string Unescape(string raw)
    {
        var text = new StringBuilder(raw.Length);
        for (int i = 0; i < raw.Length; i++)
        {
            char c = raw[i];
            if (c != '\\')
            {
                text.Append(c);
            }
            else if ((c = raw[++i]) != 'u')
            {
                text.Append(c switch { 'n' => '\n', 't' => '\t', 'r' => '\r', 'b' => '\b', 'f' => '\f', _ => c });
            }
            else
            {
                char unit = Unit(raw, i + 1);
                i += 4;
                if (!char.IsSurrogate(unit))
                {
                    text.Append(unit);
                }
                else if (char.IsHighSurrogate(unit) && i + 6 < raw.Length && raw[i + 1] == '\\' && raw[i + 2] == 'u'
                    && Unit(raw, i + 3) is var low && char.IsLowSurrogate(low))
                {
                    text.Append(unit).Append(low);
                    i += 6;
                }
            }
        }
        return text.ToString();
    }

    // The reader has checked the digits.
    private static char Unit(string raw, int start) => (char)Convert.ToUInt16(raw.Substring(start, 4), 16);
}
