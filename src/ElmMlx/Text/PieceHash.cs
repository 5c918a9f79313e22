using System.Buffers.Binary;

namespace ElmMlx.Text;

/// <summary>
/// A fast hash of short byte strings, seeded per process so that no file can be made to collide.
/// </summary>
internal static class PieceHash
{
    private static readonly ulong Seed = (ulong)Random.Shared.NextInt64() | 1;

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var hash = Seed ^ (ulong)bytes.Length;
        while (bytes.Length >= 8)
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }
        ulong tail = 0;
        if (bytes.Length >= 4)
        {
            tail = BinaryPrimitives.ReadUInt32LittleEndian(bytes)
                | ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]) << 32);
        }
        else if (bytes.Length > 0)
        {
            tail = bytes[0] | ((ulong)bytes[bytes.Length / 2] << 8) | ((ulong)bytes[^1] << 16);
        }
        return (uint)(Mix(hash ^ tail) >> 32);
    }

    private static ulong Mix(ulong x)
    {
        var high = Math.BigMul(x, Seed * 0x9E3779B97F4A7C15 | 1, out var low);
        return high ^ low;
    }
}
