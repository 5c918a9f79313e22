using System.Text;

namespace ElmMlx.Text;

/// <summary>
/// GPT-2's alphabet: every byte has a printable character, so that a piece is text whatever its bytes.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Chars = MakeChars();
    private static readonly short[] Bytes = MakeBytes();

    /// <summary>The character of byte 0x20, as a text.</summary>
    public static string SpaceText { get; } = Chars[' '].ToString();

    /// <summary>The characters of all 256 bytes.</summary>
    public static ReadOnlySpan<char> All => Chars;

    public static bool TryGetByte(Rune rune, out byte value)
    {
        var found = rune.Value < Bytes.Length ? Bytes[rune.Value] : (short)-1;
        value = (byte)found;
        return found >= 0;
    }

    private static char[] MakeChars()
    {
        var chars = new char[256];
        var next = 256;
        for (var b = 0; b < 256; b++)
            chars[b] = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)b : (char)next++;
        return chars;
    }

    private static short[] MakeBytes()
    {
        var bytes = new short[0x144];
        Array.Fill(bytes, (short)-1);
        for (var b = 0; b < 256; b++)
            bytes[Chars[b]] = (short)b;
        return bytes;
    }
}
