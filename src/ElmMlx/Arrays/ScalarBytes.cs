using System.Runtime.InteropServices;

namespace ElmMlx;

/// <summary>One number as the bytes of a dtype.</summary>
internal static class ScalarBytes
{
    /// <summary>Writes a number with a fraction, rounded to the dtype; integers drop the fraction.</summary>
    public static void Write(Span<byte> bytes, double value, DType dtype)
    {
        switch (dtype)
        {
            case DType.Float16: MemoryMarshal.Write(bytes, (Half)value); break;
            case DType.BFloat16: MemoryMarshal.Write(bytes, BFloat16Bits((float)value)); break;
            case DType.Float32 or DType.Complex64: MemoryMarshal.Write(bytes, (float)value); break;
            case DType.Float64: MemoryMarshal.Write(bytes, value); break;
            case DType.Bool: bytes[0] = value != 0 ? (byte)1 : (byte)0; break;
            case DType.UInt64: MemoryMarshal.Write(bytes, (ulong)value); break;
            default: MemoryMarshal.Write(bytes, (long)value); break;
        }
    }

    /// <summary>Writes a whole number; narrow integers keep its low bits.</summary>
    public static void Write(Span<byte> bytes, long value, DType dtype)
    {
        if (dtype.IsInteger())
            MemoryMarshal.Write(bytes, value); // little-endian: the low bytes come first
        else
            Write(bytes, (double)value, dtype);
    }

    /// <summary>The upper half of a float32, rounded to nearest, ties to even.</summary>
    private static ushort BFloat16Bits(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value)
            ? (ushort)((bits >> 16) | 0x40)
            : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
