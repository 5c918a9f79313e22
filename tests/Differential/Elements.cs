using System.Runtime.InteropServices;

namespace ElmMlx.Differential;

/// <summary>Numbers as elements of a dtype.</summary>
internal static class Elements
{
    public static bool IsFloat(string type) => type.StartsWith("float", StringComparison.Ordinal) || type == "bfloat16";

    public static bool IsInexact(string type) => IsFloat(type) || type == "complex64";

    /// <summary>The distance from 1 to the next number.</summary>
    public static double Epsilon(string type) => type switch
    {
        "float64" => Math.ScaleB(1, -52),
        "float16" => Math.ScaleB(1, -10),
        "bfloat16" => Math.ScaleB(1, -7),
        "float32" or "complex64" => Math.ScaleB(1, -23),
        _ => 0,
    };

    /// <summary>The elements' bytes; of a complex element the numbers are the real parts, and the next one the
    /// imaginary part.</summary>
    public static byte[] Encode(string type, double[] numbers) => type switch
    {
        "bool" => [.. numbers.Select(x => (byte)(x > 0 ? 1 : 0))],
        "uint8" => Bytes(numbers, x => unchecked((byte)(long)x)),
        "uint16" => Bytes(numbers, x => unchecked((ushort)(long)x)),
        "uint32" => Bytes(numbers, x => unchecked((uint)(long)x)),
        "uint64" => Bytes(numbers, x => unchecked((ulong)(long)x)),
        "int8" => Bytes(numbers, x => unchecked((sbyte)(long)x)),
        "int16" => Bytes(numbers, x => unchecked((short)(long)x)),
        "int32" => Bytes(numbers, x => unchecked((int)(long)x)),
        "int64" => Bytes(numbers, x => (long)x),
        "float16" => Bytes(numbers, x => (Half)x),
        "bfloat16" => Bytes(numbers, x => (ushort)(BitConverter.SingleToUInt32Bits((float)x) >> 16)),
        "float64" => Bytes(numbers, x => x),
        "complex64" => Bytes(
            [.. numbers.SelectMany((x, i) => (double[])[x, numbers[(i + 1) % numbers.Length]])], x => (float)x),
        _ => Bytes(numbers, x => (float)x),
    };

    private static byte[] Bytes<T>(double[] numbers, Func<double, T> convert)
        where T : unmanaged => MemoryMarshal.AsBytes<T>(numbers.Select(convert).ToArray()).ToArray();
}
