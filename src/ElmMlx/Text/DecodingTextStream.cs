using System.Runtime.InteropServices;
using System.Text;

namespace ElmMlx.Text;

/// <summary>
/// Decodes the tokens of the current line anew each time, so that it serves every decoder. Text that shrinks when the
/// next token comes (bytes that turn out to be one character) is not shown twice: positions count in code points.
/// </summary>
/// <param name="tokenizer">Decodes.</param>
/// <param name="cleansSpaces">Holds a last space back, as decoding may take it away again.</param>
/// <param name="holdsBytes">
/// Holds byte pieces back until their character is whole; mlx-lm shows U+FFFD meanwhile.
/// </param>
internal sealed class DecodingTextStream(Tokenizer tokenizer, bool cleansSpaces, bool holdsBytes) : TextStream
{
    private readonly List<byte> _lastBytes = [];
    private readonly List<int> _line = [];
    private readonly StringBuilder _lines = new();
    private string _current = "";
    private int _shown;

    public override string Text => _lines + _current;

    private protected override string AddToken(int id)
    {
        var piece = tokenizer.TokenText(id);
        if (piece.Length == 0)
            return "";
        _line.Add(id);
        if (Decoders.TryGetByte(piece, out var value))
            _lastBytes.Add(value);
        else
            _lastBytes.Clear();
        if (holdsBytes && EndsInReplacement(CollectionsMarshal.AsSpan(_lastBytes)))
            return "";
        var text = tokenizer.Decode(CollectionsMarshal.AsSpan(_line));
        var holdsLast = text.EndsWith('\uFFFD') || (cleansSpaces && text.EndsWith(' '));
        _current = holdsLast ? text[..^1] : text;
        var segment = NotShown();
        if (_current.EndsWith('\n'))
            EndLine();
        return segment;
    }

    private protected override string Flush()
    {
        _current = _line.Count == 0 ? "" : tokenizer.Decode(CollectionsMarshal.AsSpan(_line));
        var segment = NotShown();
        EndLine();
        return segment;
    }

    private void EndLine()
    {
        _lines.Append(_current);
        _line.Clear();
        _current = "";
        _shown = 0;
    }

    private string NotShown()
    {
        var at = 0;
        var count = 0;
        for (; at < _current.Length && count < _shown; count++)
            at += char.IsHighSurrogate(_current[at]) ? 2 : 1;
        _shown = count;
        for (var rest = at; rest < _current.Length; _shown++)
            rest += char.IsHighSurrogate(_current[rest]) ? 2 : 1;
        return _current[at..];
    }
}
