using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ElmMlx.Weights;

/// <summary>
/// Writes a safetensors file whose tensors are known in advance and whose elements come in any order and in pieces. The
/// same tensors give the same bytes: sorted by element type, widest first, then by name, as the format's reference
/// writer does.
/// </summary>
public sealed class SafetensorsWriter : IDisposable
{
    private readonly AtomicFile _file;
    private readonly string _path;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    private sealed class Entry
    {
        public required TensorSpec Spec { get; init; }

        public required long Offset { get; init; }

        public long Written { get; set; }
    }

    /// <summary>Begins a file; nothing exists under its name until <see cref="Commit"/>.</summary>
    /// <param name="path">The file to write; one of that name is replaced.</param>
    /// <param name="tensors">All tensors, in any order.</param>
    /// <param name="metadata">Texts for <c>__metadata__</c>.</param>
    /// <exception cref="ArgumentException">A name stands twice, or is one that readers refuse.</exception>
    public SafetensorsWriter(
        string path, IEnumerable<TensorSpec> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        TensorSpec[] sorted = [.. tensors];
        Array.Sort(sorted, (a, b) =>
            a.Type != b.Type ? b.Type.CompareTo(a.Type) : string.CompareOrdinal(a.Name, b.Name));
        byte[] header = WriteHeader(sorted, metadata ?? new Dictionary<string, string>());
        long offset = header.Length;
        foreach (TensorSpec spec in sorted)
        {
            if (spec.Name.Length is 0 or > SafetensorsHeader.MaxNameBytes
                || spec.Name == "__metadata__"
                || spec.Name.Any(char.IsControl))
                throw new ArgumentException($"'{spec.Name}' cannot be a tensor's name.", nameof(tensors));
            if (!_entries.TryAdd(spec.Name, new Entry { Spec = spec, Offset = offset }))
                throw new ArgumentException($"The tensor {spec.Name} would be written twice.", nameof(tensors));
            offset += spec.ByteCount;
        }
        _path = path;
        _file = new AtomicFile(path, offset);
        _file.Write(header, 0);
    }

    /// <summary>Writes elements of a tensor, one piece after the other.</summary>
    /// <param name="name">One of the names given at the beginning.</param>
    /// <param name="bytes">The next elements, little-endian.</param>
    public void Write(string name, ReadOnlySpan<byte> bytes)
    {
        Entry entry = _entries[name];
        if (bytes.Length > entry.Spec.ByteCount - entry.Written)
            throw new ArgumentException($"{name} has {entry.Spec.ByteCount} bytes, and more were " +
                "given.", nameof(bytes));
        _file.Write(bytes, entry.Offset + entry.Written);
        entry.Written += bytes.Length;
    }

    /// <summary>Flushes the file to disk and gives it its name.</summary>
    /// <exception cref="InvalidOperationException">A tensor's elements are not complete.</exception>
    public void Commit()
    {
        foreach (Entry entry in _entries.Values)
            if (entry.Written != entry.Spec.ByteCount)
                throw new InvalidOperationException(
                    $"{_path}: {entry.Written} of the {entry.Spec.ByteCount} bytes of {entry.Spec.Name} were written.");
        _file.Commit();
    }

    /// <summary>Closes the file; without <see cref="Commit"/> before, removes it.</summary>
    public void Dispose() => _file.Dispose();

    private static byte[] WriteHeader(TensorSpec[] tensors, IReadOnlyDictionary<string, string> metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(
            buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            long offset = 0;
            foreach (TensorSpec tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type.SafetensorsName());
                json.WriteStartArray("shape");
                foreach (int dimension in tensor.Shape)
                    json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                offset = checked(offset + tensor.ByteCount);
                json.WriteNumberValue(offset);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        int length = (buffer.WrittenCount + 7) / 8 * 8; // the data begins at a multiple of 8
        var header = new byte[8 + length];
        BinaryPrimitives.WriteInt64LittleEndian(header, length);
        buffer.WrittenSpan.CopyTo(header.AsSpan(8));
        header.AsSpan(8 + buffer.WrittenCount).Fill((byte)' ');
        return header;
    }
}
