using System.Buffers.Binary;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>
/// Blocks of 256 numbers n · d · scale − dmin · minimum, with a scale and a minimum of a few bits for each 16 or 32 of
/// them, as float16: Q2_K, Q4_K and Q6_K, which has no minima.
/// </summary>
internal static unsafe class GgufSuperBlocks
{
    /// <summary>Numbers of a block.</summary>
    public const int Width = 256;

    private const uint Q2 = 10, Q4 = 12, Q6 = 14;

    /// <summary>Bytes of a block; null for other kinds.</summary>
    public static int? BytesOf(uint kind) => kind switch { Q2 => 84, Q4 => 144, Q6 => 210, _ => null };

    /// <summary>The numbers of a tensor of <paramref name="shape"/>.</summary>
    public static Node Read(ReadOnlySpan<byte> blocks, uint kind, int[] shape)
    {
        Node numbers = Node.New(shape, MLX_FLOAT16);
        numbers.Allocate();
        int nBytes = BytesOf(kind)!.Value;
        for (int at = 0; at < blocks.Length / nBytes; at++)
        {
            ReadOnlySpan<byte> block = blocks.Slice(at * nBytes, nBytes);
            var to = new Span<Half>((Half*)numbers.Data + (long)at * Width, Width);
            for (int i = 0; i < Width; i++)
                to[i] = (Half)(kind switch { Q2 => OfQ2(block, i), Q4 => OfQ4(block, i), _ => OfQ6(block, i) });
        }

        return numbers;
    }

    // 16 bytes of scales (low half) and minima, 64 of numbers, d, dmin. Four numbers 32 apart share a byte.
    private static float OfQ2(ReadOnlySpan<byte> block, int i)
    {
        int scales = block[i / 16], number = (block[16 + i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2)) & 3;
        return HalfAt(block, 80) * (scales & 15) * number - HalfAt(block, 82) * (scales >> 4);
    }

    // d, dmin, 12 bytes of scales and minima, 128 of numbers. Two numbers 32 apart share a byte.
    private static float OfQ4(ReadOnlySpan<byte> block, int i)
    {
        (int scale, int minimum) = SixBits(block[4..16], i / 32);
        int number = (block[16 + i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4)) & 15;
        return HalfAt(block, 0) * scale * number - HalfAt(block, 2) * minimum;
    }

    // 128 bytes of low halves (two numbers 64 apart share one), 64 of two high bits (four 32 apart), 16 scales, d
    private static float OfQ6(ReadOnlySpan<byte> block, int i)
    {
        int low = (block[i / 128 * 64 + i % 64] >> (i / 64 % 2 * 4)) & 15;
        int high = (block[128 + i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2)) & 3;
        return HalfAt(block, 208) * (sbyte)block[192 + i / 16] * ((low | (high << 4)) - 32);
    }

    // The first four in the low six bits of a byte each; of the others the high two bits are above those
    private static (int Scale, int Minimum) SixBits(ReadOnlySpan<byte> packed, int i) => i < 4
        ? (packed[i] & 63, packed[i + 4] & 63)
        : ((packed[i + 4] & 15) | (packed[i - 4] >> 6 << 4), (packed[i + 4] >> 4) | (packed[i] >> 6 << 4));

    private static float HalfAt(ReadOnlySpan<byte> block, int at) =>
        (float)BinaryPrimitives.ReadHalfLittleEndian(block[at..]);
}
