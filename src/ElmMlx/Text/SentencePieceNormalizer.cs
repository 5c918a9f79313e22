using System.Buffers;
using System.Text;

namespace ElmMlx.Text;

/// <summary>
/// SentencePiece's normaliser: rules, white space as <c>▁</c>, dummy prefix or suffix, extra space removed.
/// </summary>
internal sealed class SentencePieceNormalizer
{
    private readonly bool _addsDummyPrefix;
    private readonly bool _removesExtra;
    private readonly bool _escapes;
    private readonly bool _suffix;
    private readonly PrecompiledCharsmap? _charsmap;
    private readonly ByteTrie? _userSymbols;

    public SentencePieceNormalizer(SentencePieceModel model, ByteTrie? userSymbols)
    {
        _addsDummyPrefix = model.AddsDummyPrefix;
        _removesExtra = model.RemovesExtraWhitespaces;
        _escapes = model.EscapesWhitespaces;
        _suffix = model.TreatsWhitespaceAsSuffix;
        _charsmap = model.Charsmap.Length == 0 ? null : PrecompiledCharsmap.Read(model.Charsmap);
        _userSymbols = userSymbols;
    }

    /// <summary><c>▁</c> in UTF-8.</summary>
    public static ReadOnlySpan<byte> SpaceSymbol => "\u2581"u8;

    private static ReadOnlySpan<byte> Replacement => "\uFFFD"u8;

    private ReadOnlySpan<byte> Space => _escapes ? SpaceSymbol : " "u8;

    public void Normalize(ReadOnlySpan<byte> input, ByteBuffer output)
    {
        // Leading white space goes before the dummy prefix comes.
        while (_removesExtra && !input.IsEmpty)
        {
            var consumed = Prefix(input, out var unit);
            if (!unit.SequenceEqual(" "u8))
                break;
            input = input[consumed..];
        }
        if (input.IsEmpty)
            return;
        if (_addsDummyPrefix && !_suffix)
            output.Append(Space);
        if (_charsmap is null && _userSymbols is null && !_removesExtra && System.Text.Unicode.Utf8.IsValid(input))
            AppendEscaped(input, output);
        else
            AppendUnits(input, output);
        while (_removesExtra && output.Written.EndsWith(Space))
            output.Length -= Space.Length;
        if (_addsDummyPrefix && _suffix)
            output.Append(Space);
    }

    private void AppendUnits(ReadOnlySpan<byte> input, ByteBuffer output)
    {
        var afterSpace = _removesExtra;
        while (!input.IsEmpty)
        {
            var consumed = Prefix(input, out var unit);
            while (afterSpace && unit.StartsWith(" "u8))
                unit = unit[1..];
            if (!unit.IsEmpty)
            {
                AppendEscaped(unit, output);
                afterSpace = unit[^1] == ' ';
            }
            if (!_removesExtra)
                afterSpace = false;
            input = input[consumed..];
        }
    }

    private void AppendEscaped(ReadOnlySpan<byte> text, ByteBuffer output)
    {
        while (_escapes && text.IndexOf((byte)' ') is >= 0 and var space)
        {
            output.Append(text[..space]);
            output.Append(SpaceSymbol);
            text = text[(space + 1)..];
        }
        output.Append(text);
    }

    // One unit of the input: a user-defined symbol, a rule's key, a character, or one bad byte.
    private int Prefix(ReadOnlySpan<byte> input, out ReadOnlySpan<byte> unit)
    {
        var length = _userSymbols?.LongestMatch(input, out _) ?? 0;
        if (length > 0)
        {
            unit = input[..length];
            return length;
        }
        if (_charsmap is not null)
        {
            length = _charsmap.Longest(input, out unit);
            if (length > 0)
                return length;
        }
        if (input[0] < 0x80 || Rune.DecodeFromUtf8(input, out _, out length) == OperationStatus.Done)
        {
            length = Math.Max(1, length);
            unit = input[..length];
            return length;
        }
        unit = Replacement;
        return 1;
    }
}
