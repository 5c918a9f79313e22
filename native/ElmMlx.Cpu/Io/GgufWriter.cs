using System.Text;

namespace ElmMlx.Cpu;

/// <summary>Writes GGUF files of version 3.</summary>
internal static class GgufWriter
{
    private const uint Version = 3;

    /// <exception cref="ArgumentException">An array has a dtype that such files do not have.</exception>
    public static void Write(string path, GgufContent content)
    {
        var arrays = new List<(string Name, Node Array)>();
        for (TextMap<Node>.Iterator it = content.Arrays.Iterate(); it.MoveNext();)
            arrays.Add((it.Key.Value, it.Value));
        var facts = new List<(string Name, object Fact)>();
        for (TextMap<object>.Iterator it = content.Facts.Iterate(); it.MoveNext();)
            facts.Add((it.Key.Value, it.Value));
        Evaluator.Evaluate([.. arrays.Select(pair => pair.Array), .. facts.Select(pair => pair.Fact).OfType<Node>()]);

        using var header = new MemoryStream();
        using var writer = new BinaryWriter(header);
        writer.Write(GgufFormat.Magic);
        writer.Write(Version);
        writer.Write((long)arrays.Count);
        writer.Write((long)facts.Count);
        foreach ((string name, object fact) in facts)
        {
            Text(writer, name);
            Fact(writer, name, fact);
        }

        long offset = 0;
        foreach ((string name, Node array) in arrays)
        {
            Text(writer, name);
            writer.Write((uint)array.Rank);
            foreach (int length in array.Shape.Reverse())
                writer.Write((long)length);
            writer.Write(GgufFormat.KindOfTensor(array.Type)
                ?? throw new ArgumentException($"[save_gguf] '{name}' is {array}: such arrays are not stored."));
            writer.Write(offset);
            offset = GgufFormat.Aligned(offset + array.Size * array.Type.Size(), GgufFormat.Alignment);
        }

        Pad(writer);
        ArrayWriter.Write(path, header.ToArray(), [.. arrays.Select(pair => pair.Array)], GgufFormat.Alignment);
    }

    private static void Fact(BinaryWriter writer, string name, object fact)
    {
        switch (fact)
        {
            case Utf8Text text:
                writer.Write(GgufFormat.TextKind);
                Text(writer, text.Value);
                break;
            case List<Utf8Text> texts:
                writer.Write(GgufFormat.ListKind);
                writer.Write(GgufFormat.TextKind);
                writer.Write((long)texts.Count);
                foreach (Utf8Text text in texts)
                    Text(writer, text.Value);
                break;
            default:
                Numbers(writer, name, (Node)fact);
                break;
        }
    }

    private static unsafe void Numbers(BinaryWriter writer, string name, Node numbers)
    {
        if (numbers.Rank > 1 || numbers.Size == 0 || GgufFormat.KindOfFact(numbers.Type) is not { } kind)
            throw new ArgumentException($"[save_gguf] The fact '{name}' is {numbers}: such arrays are not stored.");
        if (numbers.Rank == 1)
        {
            writer.Write(GgufFormat.ListKind);
            writer.Write(kind);
            writer.Write(numbers.Size);
        }
        else
        {
            writer.Write(kind);
        }

        using var rows = new ContiguousRows(numbers, numbers.Rank);
        writer.Write(new ReadOnlySpan<byte>(rows.Node.Data, checked((int)(numbers.Size * numbers.Type.Size()))));
    }

    private static void Text(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((long)bytes.Length);
        writer.Write(bytes);
    }

    private static void Pad(BinaryWriter writer)
    {
        writer.Flush();
        long length = writer.BaseStream.Length;
        writer.Write(new byte[GgufFormat.Aligned(length, GgufFormat.Alignment) - length]);
        writer.Flush();
    }
}
