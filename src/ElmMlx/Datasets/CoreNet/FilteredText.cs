using System.Text;
using ElmMlx.Text.Jinja;

namespace ElmMlx.Datasets;

/// <summary>A text as CoreNet's filters see it.</summary>
internal static class FilteredText
{
    /// <summary>
    /// The length that CoreNet filters by, in code points: of the text in lower case, without ASCII punctuation,
    /// stripped, every run of white space made one space.
    /// </summary>
    public static int Length(string text)
    {
        int length = 0;
        bool afterSpace = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (IsPunctuation(rune.Value))
                continue;
            if (rune.IsBmp && PythonText.IsSpace((char)rune.Value))
            {
                afterSpace = true;
                continue;
            }
            if (afterSpace && length > 0)
                length++;
            afterSpace = false;
            length += rune.Value == 'İ' ? 2 : 1;     // the one character that two stand for in lower case
        }
        return length;
    }

    // string.punctuation
    private static bool IsPunctuation(int c) =>
        c is >= '!' and <= '/' or >= ':' and <= '@' or >= '[' and <= '`' or >= '{' and <= '~';
}
