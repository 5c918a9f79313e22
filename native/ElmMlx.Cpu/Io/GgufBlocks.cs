using System.Buffers.Binary;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>
/// Blocks of 32 numbers n · scale + minimum as MLX's affine quantisation in groups of 32: words of 8 or 4 numbers,
/// float16 scales and biases.
/// </summary>
internal static unsafe class GgufBlocks
{
    /// <summary>Numbers of a block.</summary>
    public const int Width = 32;

    /// <summary>Bytes of a block.</summary>
    public static int BytesOf(uint kind) => kind switch
    {
        GgufFormat.Q4 => 18,
        GgufFormat.Q4WithMinimum => 20,
        _ => 34,
    };

    /// <summary>Words, scales and biases of a tensor of <paramref name="shape"/>.</summary>
    public static (Node Words, Node Scales, Node Biases) Read(ReadOnlySpan<byte> blocks, uint kind, int[] shape)
    {
        int bits = kind == GgufFormat.Q8 ? 8 : 4, nBytes = BytesOf(kind);
        int[] groups = [.. shape[..^1], shape[^1] / Width];
        Node words = New([.. shape[..^1], shape[^1] * bits / 32], MLX_UINT32);
        Node scales = New(groups, MLX_FLOAT16), biases = New(groups, MLX_FLOAT16);
        for (int i = 0; i < scales.Size; i++)
        {
            ReadOnlySpan<byte> block = blocks.Slice(i * nBytes, nBytes);
            Half scale = BinaryPrimitives.ReadHalfLittleEndian(block);
            ((Half*)scales.Data)[i] = scale;
            ((Half*)biases.Data)[i] = kind == GgufFormat.Q4WithMinimum
                ? BinaryPrimitives.ReadHalfLittleEndian(block[2..])
                : (Half)(-(1 << (bits - 1)) * (float)scale);
            var to = new Span<byte>((byte*)words.Data + i * Width * bits / 8, Width * bits / 8);
            if (bits == 8)
                Bytes(block[2..], to);
            else
                Nibbles(block[^(Width / 2)..], to);
        }

        return (words, scales, biases);
    }

    // Signed numbers become unsigned ones
    private static void Bytes(ReadOnlySpan<byte> from, Span<byte> to)
    {
        for (int i = 0; i < to.Length; i++)
            to[i] = (byte)(from[i] ^ 0x80);
    }

    // The low halves are the first 16 numbers, the high ones the last; here two neighbours share a byte
    private static void Nibbles(ReadOnlySpan<byte> from, Span<byte> to)
    {
        for (int i = 0; i < Width / 4; i++)
        {
            to[i] = (byte)((from[2 * i] & 0xF) | (from[2 * i + 1] << 4));
            to[i + Width / 4] = (byte)((from[2 * i] >> 4) | (from[2 * i + 1] & 0xF0));
        }
    }

    private static Node New(int[] shape, Bindings.mlx_dtype type)
    {
        Node node = Node.New(shape, type);
        node.Allocate();
        return node;
    }
}
