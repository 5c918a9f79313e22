using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints.Torch;

/// <summary>
/// Writes a state dict as <c>torch.save</c> does: a zip file of stored records, elements aligned to 64 bytes, the object as a
/// pickle of protocol 2. Elements come in any order and in pieces. The same tensors give the same bytes.
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
    public TorchWriter(string path, IReadOnlyList<TensorSpec> tensors)
    {
        _path = path;
        string root = System.IO.Path.GetFileNameWithoutExtension(path);
        root = root.Length == 0 || root.Any(c => char.IsControl(c) || c is '\\' or ':') ? "archive/" : root + "/";
        byte[] pickle = Pickle(tensors);
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

    // The elements begin at a multiple of 64, behind an extra field that fills the gap. Sizes beyond 32 bits stand in a field
    // of their own before it.
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

    // {name: _rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict()), …}
    private static byte[] Pickle(IReadOnlyList<TensorSpec> tensors)
    {
        using var pickle = new MemoryStream();
        pickle.Write([0x80, 2]);
        pickle.Write("ccollections\nOrderedDict\n)R("u8);
        for (int i = 0; i < tensors.Count; i++)
        {
            Text(tensors[i].Name);
            pickle.Write("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
            Text("storage");
            pickle.Write(Encoding.ASCII.GetBytes($"ctorch\n{StorageName(tensors[i].Type)}\n"));
            Text(i.ToString(System.Globalization.CultureInfo.InvariantCulture));
            Text("cpu");
            Integer(tensors[i].ByteCount / tensors[i].Type.Size());
            pickle.Write("tQ"u8);
            Integer(0);
            pickle.WriteByte((byte)'(');
            foreach (int dimension in tensors[i].Shape)
                Integer(dimension);
            pickle.Write("t("u8);
            for (int axis = 0; axis < tensors[i].Shape.Count; axis++)
                Integer(tensors[i].Shape.Skip(axis + 1).Aggregate(1L, (product, dimension) => product * dimension));
            pickle.Write("t"u8);
            pickle.WriteByte(0x89);
            pickle.Write("ccollections\nOrderedDict\n)RtR"u8);
        }
        pickle.Write("u."u8);
        return pickle.ToArray();

        void Text(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            Span<byte> length = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            pickle.WriteByte((byte)'X');
            pickle.Write(length);
            pickle.Write(bytes);
        }

        void Integer(long value)
        {
            Span<byte> bytes = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
            if (value <= int.MaxValue)
            {
                pickle.WriteByte((byte)'J');
                pickle.Write(bytes[..4]);
            }
            else
            {
                pickle.Write([0x8a, 8]);
                pickle.Write(bytes);
            }
        }
    }

    private static string StorageName(TensorType type) => type switch
    {
        TensorType.Float32 => "FloatStorage",
        TensorType.Float16 => "HalfStorage",
        TensorType.BFloat16 => "BFloat16Storage",
        TensorType.Float64 => "DoubleStorage",
        TensorType.Int64 => "LongStorage",
        _ => throw new NotSupportedException($"Checkpoints are not written in {type.Name()}."),
    };

    // Forty digits that depend on the object only.
    private static byte[] SerializationId(byte[] pickle)
    {
        byte[] hash = SHA256.HashData(pickle);
        ulong first = BinaryPrimitives.ReadUInt64LittleEndian(hash), second = BinaryPrimitives.ReadUInt64LittleEndian(hash.AsSpan(8));
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
