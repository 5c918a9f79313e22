using System.Text;

namespace ElmMlx.Text;

/// <summary>
/// Decodes token by token. Text that later tokens could still change is held back until they have come.
/// </summary>
public abstract class TextStream
{
    private readonly StringBuilder _text = new();

    private protected TextStream()
    {
    }

    /// <summary>
    /// The text so far. It can differ from all that was returned only where tokens are broken UTF-8.
    /// </summary>
    public virtual string Text => _text.ToString();

    private protected bool HasText => _text.Length > 0;

    /// <summary>
    /// Adds a token and returns the new text, often empty. Ids without a piece add nothing.
    /// </summary>
    public string Add(int id)
    {
        var segment = AddToken(id);
        _text.Append(segment);
        return segment;
    }

    /// <summary>Returns what was held back; an unfinished character comes as U+FFFD.</summary>
    public string Finish()
    {
        var segment = Flush();
        _text.Append(segment);
        return segment;
    }

    private protected abstract string AddToken(int id);

    private protected abstract string Flush();

    /// <summary>True where decoding ends in U+FFFD: half a character, a bad byte, or U+FFFD itself.</summary>
    private protected static bool EndsInReplacement(ReadOnlySpan<byte> utf8)
    {
        // Only the last four bytes matter: every lead byte starts anew.
        for (var back = 1; back <= Math.Min(4, utf8.Length); back++)
        {
            var tail = utf8[^back..];
            if ((tail[0] & 0xC0) != 0x80)
            {
                var whole = Rune.DecodeFromUtf8(
                    tail, out var rune, out var length) == System.Buffers.OperationStatus.Done
                    && length == back;
                return !whole || rune == Rune.ReplacementChar;
            }
        }
        return utf8.Length > 0;
    }
}
