using System.Globalization;
using System.Text;

namespace ElmMlx.Text;

/// <summary>Joins pieces in which <c>▁</c> is a space and <c>&lt;0x0A&gt;</c> a byte.</summary>
internal sealed class SentencePieceTextStream(Tokenizer tokenizer, bool trimsSpace) : TextStream
{
    private readonly List<byte> _held = [];

    private protected override string AddToken(int id)
    {
        var piece = tokenizer.TokenText(id);
        if (piece.StartsWith("<0x", StringComparison.Ordinal) && piece.Length >= 5
            && byte.TryParse(piece.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, null, out var value))
            _held.Add(value);
        else
            _held.AddRange(Encoding.UTF8.GetBytes(piece));
        return EndsInReplacement(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_held)) ? "" : Flush();
    }

    private protected override string Flush()
    {
        var text = Encoding.UTF8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_held))
            .Replace('\u2581', ' ');
        _held.Clear();
        return trimsSpace && !HasText && text.StartsWith(' ') ? text[1..] : text;
    }
}
