using System.Buffers.Binary;

namespace ElmMlx.Text;

/// <summary>
/// SentencePiece's compiled normalisation: a double-array trie (Darts) from byte sequences to offsets into a block of
/// texts that end in a null byte. Every node that can be reached is checked when it is read.
/// </summary>
internal sealed class PrecompiledCharsmap
{
    private readonly uint[] _units;
    private readonly byte[] _texts;

    private PrecompiledCharsmap(uint[] units, byte[] texts) => (_units, _texts) = (units, texts);

    public static PrecompiledCharsmap Read(ReadOnlySpan<byte> blob)
    {
        if (blob.Length < 4)
            throw new FormatException("its charsmap is shorter than its header");
        var trieBytes = BinaryPrimitives.ReadUInt32LittleEndian(blob);
        blob = blob[4..];
        if (trieBytes > (uint)blob.Length || trieBytes % 4 != 0 || trieBytes == 0)
            throw new FormatException($"its charsmap claims a trie of {trieBytes} bytes in {blob.Length}");
        var units = new uint[trieBytes / 4];
        for (var i = 0; i < units.Length; i++)
            units[i] = BinaryPrimitives.ReadUInt32LittleEndian(blob[(4 * i)..]);
        var map = new PrecompiledCharsmap(units, blob[(int)trieBytes..].ToArray());
        map.Check();
        return map;
    }

    /// <summary>
    /// The text for the longest key that <paramref name="text"/> begins with; its length in bytes, 0 for
    /// none.
    /// </summary>
    public int Longest(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> replacement) =>
        Search(text, out replacement, longest: true);

    /// <summary>The same for the shortest key, which is what Hugging Face's reader takes.</summary>
    public int Shortest(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> replacement) =>
        Search(text, out replacement, longest: false);

    private int Search(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> replacement, bool longest)
    {
        var found = 0;
        var value = 0;
        var node = Offset(_units[0]);
        for (var i = 0; i < text.Length && text[i] != 0; i++)
        {
            node ^= text[i];
            var unit = _units[node];
            if ((unit & 0x8000_00FF) != text[i])
                break;
            node ^= Offset(unit);
            if ((unit & 0x100) != 0)
            {
                (found, value) = (i + 1, (int)(_units[node] & 0x7FFF_FFFF));
                if (!longest)
                    break;
            }
        }
        replacement = found == 0 ? default : TextAt(value);
        return found;
    }

    private ReadOnlySpan<byte> TextAt(int offset)
    {
        var rest = _texts.AsSpan(offset);
        return rest[..rest.IndexOf((byte)0)];
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);

    // Walks every node once. All 256 successors of a node must lie inside, as any byte may be looked up.
    private void Check()
    {
        var lastNull = Array.LastIndexOf(_texts, (byte)0);
        var seen = new bool[_units.Length];
        var open = new Stack<uint>();
        open.Push(Offset(_units[0]));
        while (open.TryPop(out var node))
        {
            if ((node | 0xFF) >= (uint)_units.Length)
                throw new FormatException("its charsmap has a trie that leads outside itself");
            if (seen[node])
                continue;
            seen[node] = true;
            for (var label = 1u; label < 256; label++)
            {
                var unit = _units[node ^ label];
                if ((unit & 0x8000_00FF) != label)
                    continue;
                var next = (node ^ label) ^ Offset(unit);
                open.Push(next);
                if ((unit & 0x100) == 0)
                    continue;
                if (next >= (uint)_units.Length || (_units[next] & 0x7FFF_FFFF) > lastNull)
                    throw new FormatException("its charsmap has a rule whose text lies outside it");
            }
        }
    }
}
