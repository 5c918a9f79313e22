using System.Runtime.InteropServices;
using System.Text;

namespace ElmMlx.Text;

/// <summary>Joins byte-level pieces. A lone space waits for the next token, which may take it away.</summary>
internal sealed class ByteLevelTextStream(Tokenizer tokenizer, bool cleansSpaces) : TextStream
{
    private static readonly string[] AfterDroppedSpace = [".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re"];

    private readonly List<byte> _held = [];

    private protected override string AddToken(int id)
    {
        var piece = tokenizer.TokenText(id);
        // mlx-lm leaves byte 0 as the character that stands for it; characters outside the alphabet stand
        // for themselves.
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in piece.EnumerateRunes())
        {
            if (ByteAlphabet.TryGetByte(rune, out var value) && value != 0)
            {
                _held.Add(value);
                continue;
            }
            _held.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
        }
        return piece == ByteAlphabet.SpaceText || EndsInReplacement(CollectionsMarshal.AsSpan(_held)) ? "" : Flush();
    }

    private protected override string Flush()
    {
        var text = Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(_held));
        _held.Clear();
        if (!text.StartsWith(' '))
            return text;
        var dropped = !HasText
            || (cleansSpaces && AfterDroppedSpace.Any(s => text.AsSpan(1).StartsWith(s, StringComparison.Ordinal)));
        return dropped ? text[1..] : text;
    }
}
