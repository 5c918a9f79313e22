using System.Buffers.Binary;
using System.Text.Json;
using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>
/// safetensors files: all of the header is checked before an array is made (its length, duplicates, shapes, and that
/// the tensors' bytes neither overlap nor leave the file). Arrays are read when they are computed.
/// </summary>
internal static class SafetensorsFormat
{
    private const int MaxHeaderLength = 100_000_000;
    private const string Metadata = "__metadata__";

    private static readonly (string Code, mlx_dtype Type)[] Codes =
    [
        ("BOOL", MLX_BOOL), ("U8", MLX_UINT8), ("U16", MLX_UINT16), ("U32", MLX_UINT32), ("U64", MLX_UINT64),
        ("I8", MLX_INT8), ("I16", MLX_INT16), ("I32", MLX_INT32), ("I64", MLX_INT64), ("F16", MLX_FLOAT16),
        ("F32", MLX_FLOAT32),
        ("BF16", MLX_BFLOAT16), ("C64", MLX_COMPLEX64), ("F8_E4M3", MLX_UINT8),
    ];

    /// <summary>The arrays by name, held by nobody yet, and the file's own texts.</summary>
    /// <exception cref="InvalidDataException">It is no such file.</exception>
    public static (List<(string Name, Node Array)> Arrays, List<(string Key, string Value)> Texts) Load(
        ByteSource source)
    {
        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        long length = source.Length;
        if (length < prefix.Length)
            throw Bad(source, "is too short");
        source.Read(0, prefix);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength is 0 or >= MaxHeaderLength || (long)headerLength + prefix.Length > length)
            throw Bad(source, $"has a header of {headerLength} bytes, and {length} bytes in all");
        var header = new byte[headerLength];
        source.Read(prefix.Length, header);
        try
        {
            using var json = JsonDocument.Parse(header, new() { AllowDuplicateProperties = false });
            return Read(source, json.RootElement, prefix.Length + (long)headerLength, length);
        }
        catch (OverflowException)
        {
            throw Bad(source, "has a shape with more elements than a file can hold");
        }
        catch (JsonException error)
        {
            throw Bad(source, $"has a header that is no JSON: {error.Message.TrimEnd('.')}");
        }
    }

    /// <summary>What goes in front of the arrays' bytes, which follow in this order.</summary>
    public static byte[] Header(
        IEnumerable<(string Name, Node Array)> arrays, IEnumerable<(string Key, string Value)> texts)
    {
        using var stream = new MemoryStream();
        stream.Write(stackalloc byte[sizeof(ulong)]);
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartObject(Metadata);
            foreach ((string key, string value) in texts)
                json.WriteString(key, value);
            json.WriteEndObject();
            long offset = 0;
            foreach ((string name, Node array) in arrays)
            {
                string? code = Array.Find(Codes, pair => pair.Type == array.Type).Code;
                if (code is null || array.Size == 0)
                    throw new ArgumentException(
                        $"[save_safetensors] '{name}' is {array}: such an array is not stored.");
                json.WriteStartObject(name);
                json.WriteString("dtype", code);
                WriteNumbers(json, "shape", [.. array.Shape]);
                long end = offset + array.Size * array.Type.Size();
                WriteNumbers(json, "data_offsets", [offset, end]);
                offset = end;
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (stream.Length % sizeof(ulong) != 0)
            stream.WriteByte((byte)' ');
        byte[] header = stream.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)(header.Length - sizeof(ulong)));
        return header;
    }

    private static (List<(string Name, Node Array)> Arrays, List<(string Key, string Value)> Texts) Read(
        ByteSource source, JsonElement root, long start, long length)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw Bad(source, "has a header that is no JSON object");
        var tensors = new List<(string Name, mlx_dtype Type, int[] Shape, long Offset, long End)>();
        var texts = new List<(string, string)>();
        foreach (JsonProperty entry in root.EnumerateObject())
        {
            if (entry.Name != Metadata)
                tensors.Add(Tensor(source, entry, length - start));
            else if (entry.Value.ValueKind == JsonValueKind.Object)
                texts.AddRange(entry.Value.EnumerateObject().Select(text => (text.Name, Text(source, text.Value))));
            else if (entry.Value.ValueKind != JsonValueKind.Null)
                throw Bad(source, $"has a {Metadata} that is no JSON object");
        }

        long end = 0;
        foreach (var tensor in tensors.OrderBy(tensor => tensor.Offset).ThenBy(tensor => tensor.End))
        {
            if (tensor.Offset < end)
                throw Bad(source, $"has bytes that belong to '{tensor.Name}' and to another tensor");
            end = tensor.End;
        }

        return (
            [.. tensors.Select(tensor => (
                tensor.Name, Ops.Make(new Load(source, start + tensor.Offset), tensor.Shape, tensor.Type)))], texts);
    }

    private static (string Name, mlx_dtype Type, int[] Shape, long Offset, long End) Tensor(
        ByteSource source, JsonProperty entry, long nBytes)
    {
        JsonElement value = entry.Value;
        if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty("dtype", out JsonElement code)
            || !value.TryGetProperty("shape", out JsonElement lengths)
            || !value.TryGetProperty("data_offsets", out JsonElement offsets)
            || code.ValueKind != JsonValueKind.String || lengths.ValueKind != JsonValueKind.Array
            || offsets.ValueKind != JsonValueKind.Array || offsets.GetArrayLength() != 2)
            throw Bad(source, $"describes '{entry.Name}' without a dtype, a shape and two offsets");
        int known = Array.FindIndex(Codes, pair => pair.Code == code.GetString());
        if (known < 0)
            throw Bad(source, $"has the tensor '{entry.Name}' of dtype {code.GetString()}, which is not read");
        mlx_dtype type = Codes[known].Type;
        int[] shape = [.. lengths.EnumerateArray().Select(
            n => n.TryGetInt32(out int count) && count >= 0 ? count : throw BadNumbers(source, entry.Name))];
        long size = type.Size();
        foreach (int n in shape)
            size = checked(size * n);
        if (!offsets[0].TryGetInt64(out long first) || !offsets[1].TryGetInt64(out long end) || first < 0
            || end > nBytes || end - first != size)
            throw BadNumbers(source, entry.Name);
        return (entry.Name, type, shape, first, end);
    }

    private static string Text(ByteSource source, JsonElement value) => value.ValueKind == JsonValueKind.String
        ? value.GetString()!
        : throw Bad(source, $"has a {Metadata} that is not of texts alone");

    private static void WriteNumbers(Utf8JsonWriter json, string name, long[] numbers)
    {
        json.WriteStartArray(name);
        foreach (long number in numbers)
            json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    private static InvalidDataException BadNumbers(ByteSource source, string name) =>
        Bad(source, $"has shape and offsets of '{name}' that do not fit each other or the file");

    private static InvalidDataException Bad(ByteSource source, string what) =>
        new($"[load_safetensors] {source.Label} {what}.");
}
