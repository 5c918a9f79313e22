namespace ElmMlx.Cpu;

/// <summary>
/// Writes arrays: to a C program's writer, or to a file that takes its name only when all is written and on the disk.
/// </summary>
internal static unsafe class ArrayWriter
{
    private const int Most = 1 << 26;

    /// <summary>Writes <paramref name="header"/> and then the elements of arrays, row-major.</summary>
    public static void Write(CallbackStream stream, byte[] header, ReadOnlySpan<Node> arrays)
    {
        stream.Write(header);
        foreach (Node array in arrays)
            Write(array, stream.Write);
    }

    /// <summary>
    /// The same, with zeros behind each array up to a multiple of <paramref name="alignment"/> bytes, a power of two.
    /// </summary>
    public static void Write(string path, byte[] header, ReadOnlySpan<Node> arrays, int alignment = 1)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                file.Write(header);
                foreach (Node array in arrays)
                {
                    Write(array, file.Write);
                    file.Write(new byte[-array.Size * array.Type.Size() & (alignment - 1)]);
                }

                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static void Write(Node array, WriteBytes write)
    {
        using var rows = new ContiguousRows(array, array.Rank);
        var data = (byte*)rows.Node.Data;
        long nBytes = array.Size * array.Type.Size();
        for (long at = 0; at < nBytes; at += Most)
            write(new(data + at, (int)Math.Min(Most, nBytes - at)));
    }

    private delegate void WriteBytes(ReadOnlySpan<byte> bytes);
}
