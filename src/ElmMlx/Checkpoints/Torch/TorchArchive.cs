using ElmMlx.Weights;
using Microsoft.Win32.SafeHandles;

namespace ElmMlx.Checkpoints.Torch;

/// <summary>
/// A file written by <c>torch.save</c>, in the zip container or the one before PyTorch 1.6. Its object is read
/// symbolically when the file is opened; the elements of tensors are read on demand, and the zip container's checksums
/// are verified on the way.
/// </summary>
internal sealed class TorchArchive : IDisposable
{
    internal const int MaxPickleBytes = 16 << 20;
    private const int BufferBytes = 1 << 20;

    private readonly SafeFileHandle _file;
    private readonly Dictionary<string, Place> _places = new(StringComparer.Ordinal);

    // Where a storage lies; the checksum runs over [0, Verified) so far. Crc is null where the container has none.
    private sealed class Place
    {
        public required long Offset { get; init; }

        public required long Length { get; init; }

        public uint? Crc { get; init; }

        public long Verified { get; set; }

        public uint Running { get; set; }
    }

    private TorchArchive(string path, SafeFileHandle file)
    {
        Path = path;
        _file = file;
        Root = null!;
    }

    /// <summary>Opens a checkpoint and reads all of it but the elements.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is not one, or holds more than weights and plain values.
    /// </exception>
    public static TorchArchive Open(string path)
    {
        var archive = new TorchArchive(path, File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read));
        try
        {
            Span<byte> start = stackalloc byte[264];
            start = start[..RandomAccess.Read(archive._file, start, 0)];
            object? root = start switch
            {
                [(byte)'P', (byte)'K', 3, 4, ..] => archive.ReadZip(),
                [0x80, ..] => archive.ReadLegacy(),
                _ => throw new InvalidDataException($"{path} is not a PyTorch checkpoint: " +
                    $"{FileKinds.Describe(start)}."),
            };
            archive.Root = root as PickleDict ?? throw new InvalidDataException(
                $"{path} is refused: it holds a single value, not a dictionary of tensors.");
            return archive;
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    public string Path { get; }

    /// <summary>The saved object.</summary>
    public PickleDict Root { get; private set; }

    /// <summary>What is worth telling about the container.</summary>
    public string Container { get; private set; } = "";

    /// <summary>Reads elements of a tensor, row-major.</summary>
    /// <param name="tensor">A tensor of this archive.</param>
    /// <param name="offset">
    /// First byte, from the start of the tensor; a tensor that is not contiguous is read from 0.
    /// </param>
    /// <param name="destination">Filled completely; all of the tensor when that is not contiguous.</param>
    public void Read(TorchTensor tensor, long offset, Span<byte> destination)
    {
        Place place = _places[tensor.Storage.Key];
        lock (place) // two tensors may share a storage, and with it the running checksum
            Read(place, tensor, offset, destination);
    }

    private void Read(Place place, TorchTensor tensor, long offset, Span<byte> destination)
    {
        int size = tensor.Type.Size();
        long start = tensor.Offset * size;
        if (tensor.IsContiguous)
        {
            ReadStorage(tensor.Storage, place, start + offset, destination);
            return;
        }
        if (offset != 0 || destination.Length != tensor.ByteCount)
            throw new ArgumentException("A strided tensor is read as a whole.", nameof(offset));
        long span = 1;
        for (int i = 0; i < tensor.Shape.Length; i++)
            span += (tensor.Shape[i] - 1) * tensor.Strides[i];
        var source = new byte[checked((int)(span * size))];
        ReadStorage(tensor.Storage, place, start, source);
        Gather(tensor, source, destination, size);
    }

    public void Dispose() => _file.Dispose();

    private object? ReadZip()
    {
        Container = "zip";
        var records = ZipRecords.Read(_file, Path);
        string root = Folder(records);
        if (records.ContainsKey(root + "constants.pkl"))
            throw Bad("it is a TorchScript program, not a state dict; save model.state_dict() instead");
        if (!records.TryGetValue(root + "data.pkl", out ZipRecords.Record? pickle))
            throw Bad("it is a zip file without data.pkl, so PyTorch did not write it");
        if (SmallText(records, root + "byteorder") is { } order && order != "little")
            throw Bad(order == "big"
                ? "it was written on a big-endian machine; load and save it with PyTorch on an ordinary one"
                : "its byteorder record is neither little nor big");
        if (SmallText(records, root + "version") is { } version
            && !(int.TryParse(version.TrimEnd('\n'), out int number) && number is >= 1 and <= 10))
            throw Bad("its version record is not a number from 1 to 10");
        if (pickle.Length > MaxPickleBytes)
            throw Bad($"data.pkl has {pickle.Length} bytes, and {MaxPickleBytes} is the most");
        var bytes = new byte[(int)pickle.Length];
        SafetensorsFile.ReadExactly(_file, bytes, pickle.Offset, Path);
        if (Crc32.Append(0, bytes) != pickle.Crc)
            throw Bad("the checksum of data.pkl is wrong; the file is damaged");
        var reader = new PickleReader(bytes, $"{Path}: data.pkl");
        object? value = reader.Read();
        if (reader.Position != bytes.Length)
            throw Bad("something follows the pickle in data.pkl");

        foreach (TorchStorage storage in Storages(value))
        {
            if (!records.TryGetValue(root + "data/" + storage.Key, out ZipRecords.Record? record))
                throw Bad($"the record data/{storage.Key} is missing");
            AddPlace(storage, new Place { Offset = record.Offset, Length = record.Length, Crc = record.Crc });
        }
        return value;
    }

    private string Folder(IReadOnlyDictionary<string, ZipRecords.Record> records)
    {
        string? root = null;
        foreach (string name in records.Keys)
        {
            int slash = name.IndexOf('/');
            if (slash < 0)
                throw Bad("it is a zip file, but its records do not lie in one folder, so PyTorch did not write it");
            root ??= name[..(slash + 1)];
            if (!name.StartsWith(root, StringComparison.Ordinal))
                throw Bad("its records lie in two folders");
        }
        return root ?? throw Bad("it is an empty zip file");
    }

    private string? SmallText(IReadOnlyDictionary<string, ZipRecords.Record> records, string name)
    {
        if (!records.TryGetValue(name, out ZipRecords.Record? record))
            return null;
        if (record.Length > 16)
            throw Bad($"the record {name} is longer than it should be");
        Span<byte> bytes = stackalloc byte[(int)record.Length];
        SafetensorsFile.ReadExactly(_file, bytes, record.Offset, Path);
        if (Crc32.Append(0, bytes) != record.Crc)
            throw Bad($"the checksum of {name} is wrong; the file is damaged");
        return System.Text.Encoding.ASCII.GetString(bytes);
    }

    // Five pickles (magic number, version, machine, object, keys), then for each key a count and the elements.
    private object? ReadLegacy()
    {
        Container = "legacy";
        long length = RandomAccess.GetLength(_file);
        var bytes = new byte[(int)Math.Min(length, MaxPickleBytes)];
        SafetensorsFile.ReadExactly(_file, bytes, 0, Path);
        var reader = new PickleReader(bytes, Path);
        Int128 magic = Int128.Parse("1950a86a20f9469cfc6c", System.Globalization.NumberStyles.HexNumber);
        if (reader.Read() is not Int128 number || number != magic)
            throw Bad("it is a pickle, but not one of PyTorch's checkpoints");
        if (reader.Read() is not 1001L)
            throw Bad("its container's version is not 1001");
        if (reader.Read() is not PickleDict system || system["little_endian"] is not bool littleEndian)
            throw Bad("it does not say which machine wrote it");
        if (!littleEndian)
            throw Bad("it was written on a big-endian machine; load and save it with PyTorch on an ordinary one");
        object? value = reader.Read();
        if (reader.Read() is not PickleList keys)
            throw Bad("its list of storages is missing");

        var storages = new Dictionary<string, TorchStorage>(StringComparer.Ordinal);
        foreach (TorchStorage storage in Storages(value))
            storages.TryAdd(storage.Key, storage);
        long position = reader.Position;
        Span<byte> count = stackalloc byte[8];
        foreach (object? key in keys.Items)
        {
            if (key is not string text || !storages.TryGetValue(text, out TorchStorage? storage))
                throw Bad("its list of storages names one that no tensor uses");
            if (position > length - 8)
                throw Bad("it is cut short");
            SafetensorsFile.ReadExactly(_file, count, position, Path);
            if (BitConverter.ToInt64(count) != storage.ElementCount || storage.ByteCount > length - position - 8)
                throw Bad($"the storage {text} is not as long as its tensors say; the file may be cut short");
            if (!_places.TryAdd(text, new Place { Offset = position + 8, Length = storage.ByteCount }))
                throw Bad($"its list of storages names {text} twice");
            position += 8 + storage.ByteCount;
        }
        if (position != length)
            throw Bad($"{length - position} bytes that belong to no storage follow the data");
        foreach (TorchStorage storage in Storages(value))
            AddPlace(storage, _places.GetValueOrDefault(storage.Key) ?? throw Bad($"the storage {storage.Key} is " +
                "missing"));
        return value;
    }

    private void AddPlace(TorchStorage storage, Place place)
    {
        if (storage.ByteCount != place.Length)
            throw Bad($"the storage {storage.Key} has {place.Length} bytes, and its tensors say {storage.ByteCount}");
        _places.TryAdd(storage.Key, place);
    }

    // Every storage that a tensor of the result uses; the same key must always mean the same storage.
    private IEnumerable<TorchStorage> Storages(object? root)
    {
        var seen = new Dictionary<string, TorchStorage>(StringComparer.Ordinal);
        var pending = new Stack<object?>([root]);
        var visited = new HashSet<object>(ReferenceEqualityComparer.Instance);
        while (pending.TryPop(out object? value))
        {
            if ((value as TorchTensor)?.Storage is { } storage)
            {
                if (seen.TryAdd(storage.Key, storage))
                    yield return storage;
                else if (seen[storage.Key] != storage)
                    throw Bad($"the storage {storage.Key} is used as two different ones");
                continue;
            }
            if (value is null or string or long or bool or double || !visited.Add(value))
                continue;
            if (value is PickleDict dictionary)
                foreach (KeyValuePair<object, object?> entry in dictionary.Entries)
                    pending.Push(entry.Value);
            else if (value is PickleList list)
                list.Items.ForEach(pending.Push);
            else if (value is PickleTuple tuple)
                Array.ForEach(tuple.Items, pending.Push);
        }
    }

    // Pieces that come in order extend the running checksum; any other order verifies the whole storage first.
    private void ReadStorage(TorchStorage storage, Place place, long offset, Span<byte> destination)
    {
        bool inOrder = offset == place.Verified;
        if (place.Crc is not null && !inOrder && place.Verified < place.Length)
        {
            var buffer = new byte[(int)Math.Min(BufferBytes, place.Length)];
            while (place.Verified < place.Length)
            {
                Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, place.Length - place.Verified));
                SafetensorsFile.ReadExactly(_file, piece, place.Offset + place.Verified, Path);
                Verify(storage, place, piece);
            }
        }
        // Small enough to stay in the cache between the copy and the checksum.
        while (!destination.IsEmpty)
        {
            Span<byte> piece = destination[..Math.Min(destination.Length, BufferBytes / 4)];
            SafetensorsFile.ReadExactly(_file, piece, place.Offset + offset, Path);
            if (offset == place.Verified)
                Verify(storage, place, piece);
            offset += piece.Length;
            destination = destination[piece.Length..];
        }
    }

    private void Verify(TorchStorage storage, Place place, ReadOnlySpan<byte> piece)
    {
        if (place.Crc is null || piece.IsEmpty)
            return;
        place.Running = Crc32.Append(place.Running, piece);
        place.Verified += piece.Length;
        if (place.Verified == place.Length && place.Running != place.Crc)
            throw Bad($"the checksum of data/{storage.Key} is wrong; the file is damaged");
    }

    private static void Gather(TorchTensor tensor, ReadOnlySpan<byte> source, Span<byte> destination, int size)
    {
        var index = new long[tensor.Shape.Length];
        long position = 0;
        for (int written = 0; written < destination.Length; written += size)
        {
            source.Slice((int)(position * size), size).CopyTo(destination[written..]);
            for (int axis = index.Length - 1; axis >= 0; axis--)
            {
                position += tensor.Strides[axis];
                if (++index[axis] < tensor.Shape[axis])
                    break;
                position -= tensor.Strides[axis] * tensor.Shape[axis];
                index[axis] = 0;
            }
        }
    }

    private InvalidDataException Bad(string what) => new($"{Path} is refused: {what}.");
}
