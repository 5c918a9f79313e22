using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints.Torch;

/// <summary>
/// Writes a state dict, or an object that holds some, as <c>torch.save</c> does: a zip file of stored records, elements
/// aligned to 64 bytes, the object as a pickle of protocol 2. Elements come in any order and in pieces. The same
/// tensors give the same bytes.
/// </summary>
internal sealed class TorchWriter : IDisposable
{
    private const int Alignment = 64;
    private const int HeaderBytes = 30;
    private const ushort Utf8Names = 0x0800;

    private readonly AtomicFile _file;
    private readonly string _path;
    private readonly List<Record> _records = [];
    private readonly Dictionary<string, Record> _byTensor = new(StringComparer.Ordinal);
    private long _end;

    private sealed class Record
    {
        public required string Name { get; init; }

        public required long HeaderOffset { get; init; }

        public required long DataOffset { get; init; }

        public required long Length { get; init; }

        public long Written { get; set; }

        public uint Crc { get; set; }
    }

    /// <param name="path">The file to write.</param>
    /// <param name="tensors">All tensors, in the order of the state dict.</param>
    public TorchWriter(string path, IEnumerable<TensorSpec> tensors)
        : this(path, PickleWriter.StateDict(tensors.Select(tensor => (tensor.Name, tensor))))
    {
    }

    /// <param name="path">The file to write.</param>
    /// <param name="content">What <see cref="PickleWriter"/> takes; every tensor has a name of its own.</param>
    public TorchWriter(string path, PickleDict content)
    {
        _path = path;
        string root = System.IO.Path.GetFileNameWithoutExtension(path);
        root = root.Length == 0 || root.Any(c => char.IsControl(c) || c is '\\' or ':') ? "archive/" : root + "/";
        (byte[] pickle, IReadOnlyList<TensorSpec> tensors) = PickleWriter.Write(content);
        _file = new AtomicFile(path);
        Put(root + "data.pkl", pickle);
        Put(root + ".format_version", "1"u8);
        Put(root + ".storage_alignment", "64"u8);
        Put(root + "byteorder", "little"u8);
        for (int i = 0; i < tensors.Count; i++)
            _byTensor.Add(tensors[i].Name, Reserve($"{root}data/{i}", tensors[i].ByteCount));
        Put(root + "version", "3\n"u8);
        Put(root + ".data/serialization_id", SerializationId(pickle));
    }

    /// <summary>Writes the next elements of a tensor.</summary>
    public void Write(string name, ReadOnlySpan<byte> bytes) => Append(_byTensor[name], bytes);

    /// <summary>Completes the file and gives it its name.</summary>
    public void Commit()
    {
        foreach (Record record in _records)
        {
            if (record.Written != record.Length)
                throw new InvalidOperationException($"{_path}: {record.Written} of the {record.Length} bytes of " +
                    $"{record.Name} were written.");
            WriteHeader(record);
        }
        long directory = _end;
        foreach (Record record in _records)
            WriteDirectoryEntry(record);
        WriteEnd(directory);
        _file.Commit();
    }

    public void Dispose() => _file.Dispose();

    private void Put(string name, ReadOnlySpan<byte> bytes) => Append(Reserve(name, bytes.Length), bytes);

    // The elements begin at a multiple of 64, behind an extra field that fills the gap. Sizes beyond 32 bits stand in a
    // field of their own before it.
    private Record Reserve(string name, long length)
    {
        long start = _end + HeaderBytes + Encoding.UTF8.GetByteCount(name) + (length > uint.MaxValue ? 20 : 0) + 4;
        var record = new Record
        {
            Name = name,
            HeaderOffset = _end,
            DataOffset = (start + Alignment - 1) / Alignment * Alignment,
            Length = length,
        };
        _records.Add(record);
        _end = record.DataOffset + length;
        return record;
    }

    private void Append(Record record, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > record.Length - record.Written)
            throw new ArgumentException($"{record.Name} has {record.Length} bytes, and more were " +
                "given.", nameof(bytes));
        _file.Write(bytes, record.DataOffset + record.Written);
        record.Crc = Crc32.Append(record.Crc, bytes);
        record.Written += bytes.Length;
    }

    private void WriteHeader(Record record)
    {
        byte[] name = Encoding.UTF8.GetBytes(record.Name);
        bool large = record.Length > uint.MaxValue;
        var bytes = new byte[record.DataOffset - record.HeaderOffset];
        var writer = new Writer(bytes);
        writer.Word(0x04034b50);
        writer.Half(large ? (ushort)45 : (ushort)0);
        writer.Half(Utf8Names);
        writer.Skip(6); // method: stored; no time
        writer.Word(record.Crc);
        writer.Word(large ? uint.MaxValue : (uint)record.Length);
        writer.Word(large ? uint.MaxValue : (uint)record.Length);
        writer.Half((ushort)name.Length);
        writer.Half((ushort)(bytes.Length - HeaderBytes - name.Length));
        writer.Bytes(name);
        if (large)
        {
            writer.Half(1);
            writer.Half(16);
            writer.Long(record.Length);
            writer.Long(record.Length);
        }
        writer.Half(0x4246); // 'F' 'B', PyTorch's padding
        writer.Half((ushort)(bytes.Length - writer.Position - 2));
        bytes.AsSpan(writer.Position).Fill((byte)'Z');
        _file.Write(bytes, record.HeaderOffset);
    }

    private void WriteDirectoryEntry(Record record)
    {
        byte[] name = Encoding.UTF8.GetBytes(record.Name);
        bool largeSize = record.Length > uint.MaxValue, largeOffset = record.HeaderOffset > uint.MaxValue;
        int extra = largeSize || largeOffset ? 4 + (largeSize ? 16 : 0) + (largeOffset ? 8 : 0) : 0;
        var bytes = new byte[46 + name.Length + extra];
        var writer = new Writer(bytes);
        writer.Word(0x02014b50);
        writer.Half(extra > 0 ? (ushort)45 : (ushort)0);
        writer.Half(extra > 0 ? (ushort)45 : (ushort)0);
        writer.Half(Utf8Names);
        writer.Skip(6);
        writer.Word(record.Crc);
        writer.Word(largeSize ? uint.MaxValue : (uint)record.Length);
        writer.Word(largeSize ? uint.MaxValue : (uint)record.Length);
        writer.Half((ushort)name.Length);
        writer.Half((ushort)extra);
        writer.Skip(10); // no comment, disk 0, no attributes
        writer.Word(largeOffset ? uint.MaxValue : (uint)record.HeaderOffset);
        writer.Bytes(name);
        if (extra > 0)
        {
            writer.Half(1);
            writer.Half((ushort)(extra - 4));
            if (largeSize)
            {
                writer.Long(record.Length);
                writer.Long(record.Length);
            }
            if (largeOffset)
                writer.Long(record.HeaderOffset);
        }
        _file.Write(bytes, _end);
        _end += bytes.Length;
    }

    private void WriteEnd(long directory)
    {
        long length = _end - directory;
        var bytes = new byte[56 + 20 + 22];
        var writer = new Writer(bytes);
        writer.Word(0x06064b50);
        writer.Long(44);
        writer.Half(45);
        writer.Half(45);
        writer.Skip(8);
        writer.Long(_records.Count);
        writer.Long(_records.Count);
        writer.Long(length);
        writer.Long(directory);
        writer.Word(0x07064b50);
        writer.Skip(4);
        writer.Long(_end);
        writer.Word(1);
        writer.Word(0x06054b50);
        writer.Skip(4);
        writer.Half((ushort)Math.Min(_records.Count, ushort.MaxValue));
        writer.Half((ushort)Math.Min(_records.Count, ushort.MaxValue));
        writer.Word((uint)Math.Min(length, uint.MaxValue));
        writer.Word((uint)Math.Min(directory, uint.MaxValue));
        _file.Write(bytes, _end);
    }

    // Forty digits that depend on the object only.
    private static byte[] SerializationId(byte[] pickle)
    {
        byte[] hash = SHA256.HashData(pickle);
        ulong first = BinaryPrimitives.ReadUInt64LittleEndian(hash),
            second = BinaryPrimitives.ReadUInt64LittleEndian(hash.AsSpan(8));
        return Encoding.ASCII.GetBytes($"{first:D20}{second:D20}");
    }

    private ref struct Writer(Span<byte> bytes)
    {
        private readonly Span<byte> _bytes = bytes;

        public int Position { get; private set; }

        public void Half(ushort value)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(_bytes[Position..], value);
            Position += 2;
        }

        public void Word(uint value)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_bytes[Position..], value);
            Position += 4;
        }

        public void Long(long value)
        {
            BinaryPrimitives.WriteInt64LittleEndian(_bytes[Position..], value);
            Position += 8;
        }

        public void Bytes(ReadOnlySpan<byte> value)
        {
            value.CopyTo(_bytes[Position..]);
            Position += value.Length;
        }

        public void Skip(int count) => Position += count;
    }
}
