using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>The small floats of quantisation: e4m3 (a byte), e2m1 (four bits) and the power of two of a scale (e8m0).</summary>
internal static class Float8
{
    /// <summary>The sixteen e2m1 numbers, by code.</summary>
    public static ReadOnlySpan<float> Float4 =>
        [0f, 0.5f, 1f, 1.5f, 2f, 3f, 4f, 6f, -0f, -0.5f, -1f, -1.5f, -2f, -3f, -4f, -6f];

    /// <summary>To e4m3, nearest even; everything from 464 on, infinity and NaN too, becomes 448 with its sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte ToE4M3(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        uint sign = bits & 0x80000000u;
        bits ^= sign;
        uint result;
        if (bits >= 543u << 21)
        {
            result = 0x7E;
        }
        else if (bits < 121u << 23)
        {
            // Below the normal range: a float32 addition rounds at the place of the smallest subnormal.
            float magic = BitConverter.UInt32BitsToSingle(141u << 23);
            result = BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle(bits) + magic) - (141u << 23);
        }
        else
        {
            uint odd = (bits >> 20) & 1;
            result = (bits + unchecked((uint)((7 - 127) << 23)) + 0x7FFFF + odd) >> 20;
        }

        return (byte)(result | (sign >> 24));
    }

    /// <summary>From e4m3; both NaN codes read as ±480, as in MLX.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float FromE4M3(byte code)
    {
        // The seven bits are a float16 whose exponent is 8 too small.
        float magnitude = (float)BitConverter.UInt16BitsToHalf((ushort)((code & 127) << 7)) * 256f;
        return (code & 128) != 0 ? -magnitude : magnitude;
    }

    /// <summary>The power of two that an e8m0 code stands for.</summary>
    public static float FromE8M0(byte code) =>
        code == 0 ? 5.877471754111438e-39f : BitConverter.UInt32BitsToSingle((uint)code << 23);
}
