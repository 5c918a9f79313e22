using System.Text;

namespace ElmMlx.Datasets;

/// <summary>What Python says about characters, where CoreNet's filters depend on it.</summary>
internal static class PythonText
{
    /// <summary>
    /// The length that CoreNet filters by, in code points: of the text in lower case, without ASCII punctuation, stripped,
    /// every run of white space made one space.
    /// </summary>
    public static int ProcessedLength(string text)
    {
        int length = 0;
        bool afterSpace = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            int c = rune.Value;
            if (IsPunctuation(c))
                continue;
            if (IsWhiteSpace(c))
            {
                afterSpace = true;
                continue;
            }
            if (afterSpace && length > 0)
                length++;
            afterSpace = false;
            length += c == 'İ' ? 2 : 1;     // the one character that two stand for in lower case
        }
        return length;
    }

    /// <summary><c>str.isspace</c>, which <c>str.strip</c> and <c>\s</c> use.</summary>
    public static bool IsWhiteSpace(int c) => c is >= 0x09 and <= 0x0D or >= 0x1C and <= 0x20 or 0x85 or 0xA0 or 0x1680
        or >= 0x2000 and <= 0x200A or 0x2028 or 0x2029 or 0x202F or 0x205F or 0x3000;

    // string.punctuation
    private static bool IsPunctuation(int c) =>
        c is >= '!' and <= '/' or >= ':' and <= '@' or >= '[' and <= '`' or >= '{' and <= '~';
}
