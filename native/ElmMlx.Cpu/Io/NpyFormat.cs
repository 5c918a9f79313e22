using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>
/// NumPy's <c>.npy</c>: one array behind a header that is a Python dictionary. bfloat16 is <c>V2</c>, as in MLX.
/// </summary>
internal static class NpyFormat
{
    private const int PrefixLength = 8, MaxHeaderLength = 1 << 16;

    private static readonly (string Code, mlx_dtype Type)[] Codes =
    [
        ("b1", MLX_BOOL), ("u1", MLX_UINT8), ("u2", MLX_UINT16), ("u4", MLX_UINT32), ("u8", MLX_UINT64),
        ("i1", MLX_INT8), ("i2", MLX_INT16), ("i4", MLX_INT32), ("i8", MLX_INT64), ("f2", MLX_FLOAT16),
        ("f4", MLX_FLOAT32),
        ("f8", MLX_FLOAT64), ("V2", MLX_BFLOAT16), ("c8", MLX_COMPLEX64),
    ];

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>The array of a file, read when it is computed.</summary>
    /// <exception cref="InvalidDataException">It is no such file.</exception>
    public static Node Load(ByteSource source)
    {
        long length = source.Length;
        Span<byte> prefix = stackalloc byte[PrefixLength + 4];
        if (length < prefix.Length)
            throw Bad(source, "is too short");
        source.Read(0, prefix);
        if (!prefix.StartsWith(Magic))
            throw Bad(source, "is no .npy file");
        bool isFirst = prefix[6] == 1;
        if (!isFirst && prefix[6] != 2)
            throw Bad(source, $"has format version {prefix[6]}; 1 and 2 are read");
        int start = PrefixLength + (isFirst ? 2 : 4);
        uint headerLength = isFirst
            ? BinaryPrimitives.ReadUInt16LittleEndian(prefix[PrefixLength..])
            : BinaryPrimitives.ReadUInt32LittleEndian(prefix[PrefixLength..]);
        if (headerLength > MaxHeaderLength || start + headerLength > length)
            throw Bad(source, $"has a header of {headerLength} bytes");
        var bytes = new byte[headerLength];
        source.Read(start, bytes);
        string header = Encoding.Latin1.GetString(bytes);
        string descr = Value(source, header, "descr").Trim('\'', '"');
        mlx_dtype type = TypeOf(source, descr);
        int[] shape = ShapeOf(source, Value(source, header, "shape"));
        bool isFortran = Value(source, header, "fortran_order") == "True";
        long size = shape.Aggregate(1L, (count, n) => checked(count * n));
        if (checked(size * type.Size()) > length - start - headerLength)
            throw Bad(source, $"has less than the {size} elements of its shape");
        if (isFortran)
            Array.Reverse(shape);
        Node loaded = Ops.Make(new Load(source, start + headerLength, descr[0] == '>'), shape, type);
        return isFortran ? Ops.Transpose(loaded) : loaded;
    }

    /// <summary>What goes in front of row-major elements.</summary>
    public static byte[] Header(int[] shape, mlx_dtype type)
    {
        char order = type.Size() == 1 ? '|' : '<';
        string code = Codes.First(pair => pair.Type == type).Code;
        string lengths = string.Concat(shape.Select(n => n.ToString(CultureInfo.InvariantCulture) + ", "));
        string text = $"{{'descr': '{order}{code}', 'fortran_order': False, 'shape': ({lengths}), }}";
        const int Alignment = 64;
        int padded = (PrefixLength + 2 + text.Length + 1 + Alignment - 1) / Alignment * Alignment - PrefixLength - 2;
        byte[] padding = Encoding.Latin1.GetBytes(text.PadRight(padded - 1) + '\n');
        return [.. Magic, 1, 0, (byte)padded, (byte)(padded >> 8), .. padding];
    }

    // The text behind a key, as far as the comma outside of parentheses
    private static string Value(ByteSource source, string header, string key)
    {
        int at = header.IndexOf($"'{key}'", StringComparison.Ordinal);
        int colon = at < 0 ? -1 : header.IndexOf(':', at);
        if (colon < 0)
            throw Bad(source, $"has no '{key}' in its header");
        int end = colon + 1, depth = 0;
        for (; end < header.Length && (depth > 0 || header[end] is not (',' or '}')); end++)
            depth += header[end] == '(' ? 1 : header[end] == ')' ? -1 : 0;
        return header[(colon + 1)..end].Trim();
    }

    private static mlx_dtype TypeOf(ByteSource source, string descr)
    {
        foreach ((string code, mlx_dtype type) in Codes)
        {
            if (descr.Length == 3 && descr[1..] == code && "<>|".Contains(descr[0], StringComparison.Ordinal))
                return type;
        }

        throw Bad(source, $"has elements of type '{descr}'");
    }

    private static int[] ShapeOf(ByteSource source, string text)
    {
        string[] parts = text.Trim('(', ')').Split(
            ',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var shape = new int[parts.Length];
        for (int i = 0; i < shape.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out shape[i]))
                throw Bad(source, $"has the shape {text}");
        }

        return shape;
    }

    private static InvalidDataException Bad(ByteSource source, string what) => new($"[load] {source.Label} {what}.");
}
