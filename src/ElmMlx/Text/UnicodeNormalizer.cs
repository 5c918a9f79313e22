using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace ElmMlx.Text;

/// <summary>
/// Unicode's four normalisation forms from tables of our own: with invariant globalization .NET returns text as it is,
/// and with it off the answer would depend on the machine.
/// </summary>
internal static class UnicodeNormalizer
{
    // Hangul syllables are composed by arithmetic (The Unicode Standard, section 3.12).
    private const int SBase = 0xAC00, LBase = 0x1100, VBase = 0x1161, TBase = 0x11A7;
    private const int LCount = 19, VCount = 21, TCount = 28, SCount = LCount * VCount * TCount;

    private static readonly Lazy<Tables> Data = new(Tables.Read);

    public static string Nfc(string text) => Normalize(text, compatibility: false, compose: true);

    public static string Nfd(string text) => Normalize(text, compatibility: false, compose: false);

    public static string Nfkc(string text) => Normalize(text, compatibility: true, compose: true);

    public static string Nfkd(string text) => Normalize(text, compatibility: true, compose: false);

    private static string Normalize(string text, bool compatibility, bool compose)
    {
        // Below U+0300 canonical composition changes nothing, below U+00A0 no form does.
        var plainBelow = compose && !compatibility ? '\u0300' : '\u00A0';
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', (char)(plainBelow - 1)) < 0)
            return text;
        var runes = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
            Decompose(rune.Value, compatibility, runes);
        SortMarks(runes);
        var span = CollectionsMarshal.AsSpan(runes);
        if (compose)
            span = span[..Compose(span)];
        var result = new StringBuilder(text.Length);
        foreach (var rune in span)
            result.Append(new Rune(rune).ToString());
        return result.ToString();
    }

    private static void Decompose(int rune, bool compatibility, List<int> output)
    {
        if (rune is >= SBase and < SBase + SCount)
        {
            var s = rune - SBase;
            output.Add(LBase + s / (VCount * TCount));
            output.Add(VBase + s % (VCount * TCount) / TCount);
            if (s % TCount != 0)
                output.Add(TBase + s % TCount);
            return;
        }
        var tables = Data.Value;
        if (tables.Canonical.TryGetValue(rune, out var parts)
            || (compatibility && tables.Compatibility.TryGetValue(rune, out parts)))
        {
            foreach (var part in parts)
                Decompose(part, compatibility, output);
            return;
        }
        output.Add(rune);
    }

    // Marks between two starters go in the order of their classes, equal ones as they came.
    private static void SortMarks(List<int> runes)
    {
        var classes = Data.Value.CombiningClass;
        for (var start = 0; start < runes.Count;)
        {
            var end = start;
            while (end < runes.Count && classes.ContainsKey(runes[end]))
                end++;
            if (end - start > 1)
            {
                var sorted = runes.GetRange(start, end - start).OrderBy(r => classes[r]).ToList();
                for (var i = 0; i < sorted.Count; i++)
                    runes[start + i] = sorted[i];
            }
            start = Math.Max(end, start + 1);
        }
    }

    private static int Compose(Span<int> runes)
    {
        var tables = Data.Value;
        int length = 0, starter = -1, lastClass = 0;
        foreach (var rune in runes)
        {
            var mark = tables.CombiningClass.GetValueOrDefault(rune);
            var adjacent = starter == length - 1;
            // A mark reaches its starter unless one of its own class or higher stands between them.
            if (starter >= 0 && (adjacent || (lastClass < mark && lastClass != 0))
                && Pair(tables, runes[starter], rune) is int composed)
            {
                runes[starter] = composed;
                continue;
            }
            if (mark == 0)
                starter = length;
            lastClass = mark;
            runes[length++] = rune;
        }
        return length;
    }

    private static int? Pair(Tables tables, int first, int second)
    {
        if (first is >= LBase and < LBase + LCount && second is >= VBase and < VBase + VCount)
            return SBase + ((first - LBase) * VCount + second - VBase) * TCount;
        if (first is >= SBase and < SBase + SCount && (first - SBase) % TCount == 0
            && second is > TBase and < TBase + TCount)
            return first + second - TBase;
        return tables.Composition.TryGetValue((first, second), out var composed) ? composed : null;
    }

    private sealed record Tables(
        Dictionary<int, int[]> Canonical,
        Dictionary<int, int[]> Compatibility,
        Dictionary<int, int> CombiningClass,
        Dictionary<(int First, int Second), int> Composition)
    {
        public static Tables Read()
        {
            using var stream = new DeflateStream(
                new MemoryStream(Convert.FromBase64String(UnicodeTables.Deflated)), CompressionMode.Decompress);
            var canonical = ReadTable(stream);
            var compatibility = ReadTable(stream);
            var classes = ReadTable(stream).ToDictionary(e => e.Key, e => e.Value[0]);
            var composed = ReadTable(stream).Keys.ToDictionary(c => (canonical[c][0], canonical[c][1]), c => c);
            return new Tables(canonical, compatibility, classes, composed);
        }

        private static Dictionary<int, int[]> ReadTable(Stream stream)
        {
            var count = ReadVarint(stream);
            var table = new Dictionary<int, int[]>(count);
            for (int i = 0, key = 0; i < count; i++)
            {
                key += ReadVarint(stream);
                var values = new int[ReadVarint(stream)];
                for (var j = 0; j < values.Length; j++)
                    values[j] = ReadVarint(stream);
                table.Add(key, values);
            }
            return table;
        }

        private static int ReadVarint(Stream stream)
        {
            for (int value = 0, shift = 0; ; shift += 7)
            {
                var b = stream.ReadByte();
                value |= (b & 0x7F) << shift;
                if (b < 0x80)
                    return value;
            }
        }
    }
}
