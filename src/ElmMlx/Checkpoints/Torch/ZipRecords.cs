using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using ElmMlx.Weights;
using Microsoft.Win32.SafeHandles;

namespace ElmMlx.Checkpoints.Torch;

/// <summary>
/// The records of a zip file as PyTorch writes it: stored, in one piece, nothing ambiguous. Directory and local headers
/// must agree, records must not overlap, and the file must end with its one end record.
/// </summary>
internal static class ZipRecords
{
    private const int EndLength = 22;
    private const int MaxDirectoryBytes = 16 << 20;
    private const int MaxRecords = 100_000;
    private const ushort Utf8Names = 0x0800;
    private const ushort Descriptor = 0x0008;

    /// <summary>One record: where its bytes lie.</summary>
    public sealed record Record(string Name, long Offset, long Length, uint Crc);

    private sealed record Entry(string Name, ushort Flags, uint Crc, long Length, long LocalOffset);

    public static IReadOnlyDictionary<string, Record> Read(SafeFileHandle file, string path)
    {
        long length = RandomAccess.GetLength(file);
        (long directory, long directoryBytes, long count) = FindDirectory(file, length, path);
        if (count > MaxRecords || directoryBytes > MaxDirectoryBytes || count * 46 > directoryBytes)
            throw Bad(path, $"its directory claims {count} records in {directoryBytes} bytes");
        var bytes = new byte[(int)directoryBytes];
        SafetensorsFile.ReadExactly(file, bytes, directory, path);
        List<Entry> entries = ReadDirectory(bytes, (int)count, path);
        entries.Sort((a, b) => a.LocalOffset.CompareTo(b.LocalOffset));
        var records = new Dictionary<string, Record>(entries.Count, StringComparer.Ordinal);
        for (int i = 0; i < entries.Count; i++)
        {
            long limit = i + 1 < entries.Count ? entries[i + 1].LocalOffset : directory;
            Record record = Locate(file, entries[i], limit, path);
            if (!records.TryAdd(record.Name, record))
                throw Bad(path, $"the record {record.Name} stands twice");
        }
        if (entries.Count > 0 && entries[0].LocalOffset != 0)
            throw Bad(path, "something stands before its first record");
        return records;
    }

    private static (long Offset, long Bytes, long Count) FindDirectory(SafeFileHandle file, long length, string path)
    {
        Span<byte> end = stackalloc byte[EndLength];
        if (length < EndLength)
            throw Bad(path, "it is cut short");
        SafetensorsFile.ReadExactly(file, end, length - EndLength, path);
        if (Word(end, 0) != 0x06054b50 || Half(end, 20) != 0)
            throw Bad(path, "it does not end with the end record of a zip file, or a comment follows it: the file is " +
                "cut short or was changed");
        if (Half(end, 4) != 0 || Half(end, 6) != 0 || Half(end, 8) != Half(end, 10))
            throw Bad(path, "it is one part of a divided zip file");
        long count = Half(end, 10), bytes = Word(end, 12), offset = Word(end, 16);
        long directoryEnd = length - EndLength;

        Span<byte> locator = stackalloc byte[20];
        if (directoryEnd >= 20)
            SafetensorsFile.ReadExactly(file, locator, directoryEnd - 20, path);
        if (directoryEnd >= 76 && Word(locator, 0) == 0x07064b50)
        {
            Span<byte> end64 = stackalloc byte[56];
            directoryEnd -= 76;
            if (Word(locator, 4) != 0 || Word(locator, 16) != 1 || Long(locator, 8) != directoryEnd)
                throw Bad(path, "its zip64 locator points elsewhere");
            SafetensorsFile.ReadExactly(file, end64, directoryEnd, path);
            if (Word(end64, 0) != 0x06064b50 || Long(end64, 4) != 44 || Word(end64, 16) != 0 || Word(end64, 20) != 0 ||
                Long(end64, 24) != Long(end64, 32))
                throw Bad(path, "its zip64 end record is broken");
            if (count != 0xFFFF && count != Long(end64, 32) || bytes != 0xFFFFFFFF && bytes != Long(end64, 40) ||
                offset != 0xFFFFFFFF && offset != Long(end64, 48))
                throw Bad(path, "its two end records disagree");
            (count, bytes, offset) = (Long(end64, 32), Long(end64, 40), Long(end64, 48));
        }
        if (count < 0 || bytes < 0 || offset < 0 || offset > directoryEnd || bytes != directoryEnd - offset)
            throw Bad(path, "its directory does not lie where the end record says");
        return (offset, bytes, count);
    }

    private static List<Entry> ReadDirectory(ReadOnlySpan<byte> bytes, int count, string path)
    {
        var entries = new List<Entry>(count);
        for (int i = 0; i < count; i++)
        {
            if (bytes.Length < 46 || Word(bytes, 0) != 0x02014b50)
                throw Bad(path, "its directory is broken");
            ushort flags = Half(bytes, 8);
            int nameLength = Half(bytes, 28), extraLength = Half(bytes, 30), commentLength = Half(bytes, 32);
            if (bytes.Length < 46 + nameLength + extraLength + commentLength)
                throw Bad(path, "its directory is cut short");
            string name = Name(bytes.Slice(46, nameLength), path);
            if ((flags & ~(Utf8Names | Descriptor)) != 0)
                throw Bad(path, $"the record {name} is encrypted or uses a feature that checkpoints do not need");
            if (Half(bytes, 10) != 0)
                throw Bad(path, $"the record {name} is compressed, and PyTorch stores records as they are");
            if (commentLength != 0)
                throw Bad(path, $"the record {name} carries a comment");
            if ((Word(bytes, 38) >> 16 & 0xF000) == 0xA000)
                throw Bad(path, $"the record {name} is a link");
            long packed = Word(bytes, 20), size = Word(bytes, 24), disk = Half(bytes, 34), offset = Word(bytes, 42);
            ReadExtra64(bytes.Slice(46 + nameLength, extraLength), ref size, ref packed, ref offset, name, path);
            if (disk != 0)
                throw Bad(path, $"the record {name} lies on another disk");
            if (size != packed || size < 0 || offset < 0)
                throw Bad(path, $"the record {name} is stored, but has two different sizes");
            entries.Add(new Entry(name, flags, Word(bytes, 16), size, offset));
            bytes = bytes[(46 + nameLength + extraLength + commentLength)..];
        }
        if (!bytes.IsEmpty)
            throw Bad(path, "its directory is longer than its records");
        return entries;
    }

    // The extra field 1 gives, in this order, those of size, packed size and offset that did not fit into 32 bits.
    private static void ReadExtra64(
        ReadOnlySpan<byte> extra, ref long size, ref long packed, ref long offset, string name, string path)
    {
        while (!extra.IsEmpty)
        {
            if (extra.Length < 4 || extra.Length - 4 < Half(extra, 2))
                throw Bad(path, $"an extra field of the record {name} is longer than its room");
            ReadOnlySpan<byte> field = extra.Slice(4, Half(extra, 2));
            if (Half(extra, 0) == 1)
            {
                size = Next(ref field, size);
                packed = Next(ref field, packed);
                offset = Next(ref field, offset);
            }
            extra = extra[(4 + Half(extra, 2))..];
        }

        long Next(ref ReadOnlySpan<byte> field, long value)
        {
            if (value != 0xFFFFFFFF)
                return value;
            if (field.Length < 8 || Long(field, 0) < 0)
                throw Bad(path, $"the record {name} has a size that makes no sense");
            long result = Long(field, 0);
            field = field[8..];
            return result;
        }
    }

    private static Record Locate(SafeFileHandle file, Entry entry, long limit, string path)
    {
        Span<byte> header = stackalloc byte[30];
        if (entry.LocalOffset > limit - 30)
            throw Bad(path, $"the record {entry.Name} lies outside of the file or overlaps another one");
        SafetensorsFile.ReadExactly(file, header, entry.LocalOffset, path);
        int nameLength = Half(header, 26), extraLength = Half(header, 28);
        long start = entry.LocalOffset + 30 + nameLength + extraLength;
        if (Word(header, 0) != 0x04034b50 || Half(header, 6) != entry.Flags || Half(header, 8) != 0)
            throw Bad(path, $"the header of the record {entry.Name} disagrees with the directory");
        if (start > limit || entry.Length > limit - start)
            throw Bad(path, $"the record {entry.Name} reaches outside of the file or overlaps another one");
        var nameAndExtra = new byte[nameLength + extraLength];
        SafetensorsFile.ReadExactly(file, nameAndExtra, entry.LocalOffset + 30, path);
        if (Name(nameAndExtra.AsSpan(0, nameLength), path) != entry.Name)
            throw Bad(path, $"the header of the record {entry.Name} names another file");
        long packed = Word(header, 18), size = Word(header, 22), none = 0;
        uint crc = Word(header, 14);
        ReadExtra64(nameAndExtra.AsSpan(nameLength), ref size, ref packed, ref none, entry.Name, path);
        bool deferred = (entry.Flags & Descriptor) != 0 && size == 0 && packed == 0 && crc == 0;
        if (!deferred && (size != entry.Length || packed != entry.Length || crc != entry.Crc))
            throw Bad(path, $"the header of the record {entry.Name} has another size or checksum than the directory");
        return new Record(entry.Name, start, entry.Length, entry.Crc);
    }

    private static string Name(ReadOnlySpan<byte> bytes, string path)
    {
        if (!Utf8.IsValid(bytes) || bytes.IsEmpty || bytes.Length > 512)
            throw Bad(path, "a record's name is empty, too long or not valid UTF-8");
        string name = Encoding.UTF8.GetString(bytes);
        if (name[0] == '/'
            || name.AsSpan().ContainsAny('\\', ':')
            || name.Any(char.IsControl)
            || name.Split('/').Any(part => part is "" or "." or ".."))
            throw Bad(path, "a record's name leads out of its folder");
        return name;
    }

    private static ushort Half(ReadOnlySpan<byte> bytes, int at) =>
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint Word(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long Long(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    private static InvalidDataException Bad(string path, string what) => new($"{path} is refused: {what}.");
}
