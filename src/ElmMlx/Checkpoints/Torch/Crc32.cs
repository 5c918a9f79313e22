using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ElmMlx.Checkpoints.Torch;

/// <summary>The CRC of zip files (polynomial 0xEDB88320, reflected), sixteen bytes a step by table.</summary>
internal static class Crc32
{
    private static readonly uint[] Tables = BuildTables();

    /// <summary>Goes on with a checksum; the first call gets 0.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        ref uint table = ref MemoryMarshal.GetArrayDataReference(Tables);
        uint state = ~crc;
        while (bytes.Length >= 16)
        {
            ref byte start = ref MemoryMarshal.GetReference(bytes);
            ulong low = Unsafe.ReadUnaligned<ulong>(ref start) ^ state;
            ulong high = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, 8));
            state =
                Look(ref table, 15, (byte)low) ^ Look(ref table, 14, (byte)(low >> 8)) ^
                Look(ref table, 13, (byte)(low >> 16)) ^ Look(ref table, 12, (byte)(low >> 24)) ^
                Look(ref table, 11, (byte)(low >> 32)) ^ Look(ref table, 10, (byte)(low >> 40)) ^
                Look(ref table, 9, (byte)(low >> 48)) ^ Look(ref table, 8, (byte)(low >> 56)) ^
                Look(ref table, 7, (byte)high) ^ Look(ref table, 6, (byte)(high >> 8)) ^
                Look(ref table, 5, (byte)(high >> 16)) ^ Look(ref table, 4, (byte)(high >> 24)) ^
                Look(ref table, 3, (byte)(high >> 32)) ^ Look(ref table, 2, (byte)(high >> 40)) ^
                Look(ref table, 1, (byte)(high >> 48)) ^ Look(ref table, 0, (byte)(high >> 56));
            bytes = bytes[16..];
        }
        foreach (byte b in bytes)
            state = Look(ref table, 0, (byte)(state ^ b)) ^ state >> 8;
        return ~state;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Look(ref uint table, int slice, byte index) => Unsafe.Add(ref table, slice * 256 + index);

    private static uint[] BuildTables()
    {
        var tables = new uint[16 * 256];
        for (uint i = 0; i < 256; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++)
                value = (value & 1) != 0 ? 0xEDB88320 ^ value >> 1 : value >> 1;
            tables[i] = value;
        }
        for (int i = 256; i < tables.Length; i++)
            tables[i] = tables[(byte)tables[i - 256]] ^ tables[i - 256] >> 8;
        return tables;
    }
}
