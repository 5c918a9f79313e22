using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace ElmMlx.Weights;

/// <summary>
/// Parses and checks a safetensors header before one byte of data is used. The rules are those of the format's
/// reference reader, and stricter where that one is silent: no duplicate keys, whole numbers only, bounded ranks, names
/// and counts.
/// </summary>
internal sealed class SafetensorsHeader
{
    public const long MaxHeaderBytes = 100_000_000;
    public const int MaxRank = 8;
    public const int MaxNameBytes = 1024;
    private const int MaxTensors = 1_000_000;
    private const int MaxMetadataBytes = 1 << 20;

    private readonly string _file;
    private readonly Dictionary<string, TensorInfo> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private SafetensorsHeader(string file) => _file = file;

    public IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <param name="header">The JSON text between the length and the data.</param>
    /// <param name="dataBytes">Bytes of the file that follow the header.</param>
    /// <param name="file">The file's name, for errors.</param>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> header, long dataBytes, string file)
    {
        var result = new SafetensorsHeader(file);
        if (header.IsEmpty || header[0] != (byte)'{')
            throw result.Bad("the header does not begin with '{'; this is not a safetensors file");
        if (!Utf8.IsValid(header))
            throw result.Bad("the header is not valid UTF-8");
        try
        {
            var reader = new Utf8JsonReader(header, new JsonReaderOptions { MaxDepth = 4 });
            reader.Read();
            result.ReadEntries(ref reader, 8 + header.Length);
            if (reader.Read())
                throw result.Bad("something follows the header's object");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{file}: the header is not valid JSON at byte {e.BytePositionInLine}.", e);
        }
        catch (InvalidOperationException e) // text with a lone surrogate
        {
            throw new InvalidDataException($"{file}: the header holds a text that is not valid Unicode.", e);
        }
        result.CheckCoverage(8 + header.Length, dataBytes);
        return result;
    }

    private void ReadEntries(ref Utf8JsonReader reader, long dataStart)
    {
        bool metadataSeen = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = ReadName(ref reader);
            reader.Read();
            if (name == "__metadata__")
            {
                if (metadataSeen)
                    throw Bad("__metadata__ stands twice in the header");
                metadataSeen = true;
                ReadMetadata(ref reader);
                continue;
            }
            if (_tensors.Count == MaxTensors)
                throw Bad($"there are more than {MaxTensors} tensors");
            if (!_tensors.TryAdd(name, ReadTensor(ref reader, name, dataStart)))
                throw Bad($"the tensor {name} stands twice in the header");
        }
    }

    private string ReadName(ref Utf8JsonReader reader)
    {
        if (reader.ValueSpan.Length > 6 * MaxNameBytes)
            throw Bad($"a tensor's name is longer than {MaxNameBytes} bytes");
        string name = reader.GetString()!;
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > MaxNameBytes)
            throw Bad($"a tensor's name is empty or longer than {MaxNameBytes} bytes");
        foreach (char c in name)
            if (char.IsControl(c))
                throw Bad("a tensor's name holds a control character");
        return name;
    }

    // MLX writes null when there is none.
    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return;
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Bad("__metadata__ is not an object");
        long bytes = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bytes += reader.ValueSpan.Length;
            string name = bytes <= MaxMetadataBytes ? reader.GetString()! : "";
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                throw Bad("__metadata__ holds something that is not a text");
            bytes += reader.ValueSpan.Length;
            if (bytes > MaxMetadataBytes)
                throw Bad("__metadata__ is larger than 1 MiB");
            if (!_metadata.TryAdd(name, reader.GetString()!))
                throw Bad($"__metadata__ holds {name} twice");
        }
    }

    private TensorInfo ReadTensor(ref Utf8JsonReader reader, string name, long dataStart)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Bad($"the entry of {name} is not an object");
        TensorType? type = null;
        int[]? shape = null;
        long begin = -1, end = -1;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("dtype"u8) && type is null)
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.String)
                    throw Bad($"the dtype of {name} is not a text");
                string text = reader.ValueSpan.Length <= 32 ? reader.GetString()! : "?";
                if (!TensorTypes.TryParseSafetensors(text, out TensorType parsed))
                    throw Bad($"{name} has the dtype {text}, which cannot be read");
                type = parsed;
            }
            else if (reader.ValueTextEquals("shape"u8) && shape is null)
            {
                shape = ReadShape(ref reader, name);
            }
            else if (reader.ValueTextEquals("data_offsets"u8) && begin < 0)
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.StartArray)
                    throw Bad($"the data_offsets of {name} are not a list");
                reader.Read();
                begin = ReadInteger(ref reader, name, long.MaxValue);
                reader.Read();
                end = ReadInteger(ref reader, name, long.MaxValue);
                reader.Read();
                if (reader.TokenType != JsonTokenType.EndArray)
                    throw Bad($"the data_offsets of {name} are not two numbers");
            }
            else
            {
                throw Bad($"the entry of {name} holds an unknown field or one twice");
            }
        }
        if (type is null || shape is null || begin < 0)
            throw Bad($"the entry of {name} lacks its dtype, shape or data_offsets");
        long bytes = type.Value.Size();
        try
        {
            foreach (int dimension in shape)
                bytes = checked(bytes * dimension);
        }
        catch (OverflowException)
        {
            throw Bad($"the size of {name} overflows");
        }
        if (end < begin || end - begin != bytes)
            throw Bad($"{name} has {(end < begin ? "reversed offsets" : $"{end - begin} bytes of data")}, but its " +
                $"shape needs {bytes} bytes");
        if (begin > long.MaxValue - dataStart)
            throw Bad($"the offset of {name} overflows");
        return new TensorInfo(name, type.Value, shape, dataStart + begin, bytes);
    }

    private int[] ReadShape(ref Utf8JsonReader reader, string name)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
            throw Bad($"the shape of {name} is not a list");
        Span<int> dimensions = stackalloc int[MaxRank];
        int rank = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (rank == MaxRank)
                throw Bad($"{name} has more than {MaxRank} dimensions");
            dimensions[rank++] = (int)ReadInteger(ref reader, name, int.MaxValue);
        }
        return dimensions[..rank].ToArray();
    }

    // Digits only: no sign, no fraction, no exponent.
    private long ReadInteger(ref Utf8JsonReader reader, string name, long most)
    {
        if (reader.TokenType != JsonTokenType.Number
            || reader.ValueSpan.ContainsAnyExceptInRange((byte)'0', (byte)'9') ||
            !reader.TryGetInt64(out long value) || value > most)
            throw Bad($"the entry of {name} holds something else than a whole number from 0 to {most}");
        return value;
    }

    // The tensors lie end to end over all of the data: no hole, no overlap, nothing behind the last one.
    private void CheckCoverage(long dataStart, long dataBytes)
    {
        var sorted = _tensors.Values.ToArray();
        Array.Sort(sorted, (a, b) =>
            a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset) : a.ByteCount.CompareTo(b.ByteCount));
        long previousEnd = dataStart;
        foreach (TensorInfo tensor in sorted)
        {
            if (tensor.Offset != previousEnd)
                throw Bad($"the data of {tensor.Name} " +
                    $"{(tensor.Offset < previousEnd ? "overlaps another tensor's" : "leaves a hole before it")}");
            previousEnd = tensor.Offset + tensor.ByteCount;
        }
        if (previousEnd - dataStart != dataBytes)
            throw Bad(previousEnd - dataStart > dataBytes
                ? $"the file is cut short: {previousEnd - dataStart} bytes of data are promised and {dataBytes} are " +
                    "there"
                : $"{dataBytes - (previousEnd - dataStart)} bytes that belong to no tensor follow the data");
    }

    private InvalidDataException Bad(string what) => new($"{_file}: {what}.");
}
