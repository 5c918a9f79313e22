using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ElmMlx.Cpu.Kernels;

/// <summary>float16 and bfloat16 to float32 and back: exact one way, to the nearest even the other.</summary>
internal static unsafe class HalfPrecision
{
    /// <summary>bfloat16 → float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float FromBFloat16(ushort x) => BitConverter.UInt32BitsToSingle((uint)x << 16);

    /// <summary>float32 → bfloat16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort ToBFloat16(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        return float.IsNaN(x)
            ? (ushort)((bits >> 16) | 0x0040)
            : (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>bfloat16 → float32, <paramref name="n"/> elements.</summary>
    public static void FromBFloat16(ushort* from, float* to, long n)
    {
        long i = 0;
        if (VectorWidth.Has512)
        {
            for (; i <= n - 16; i += 16)
                Simd512.Store(Simd512.LoadBFloat16(from + i), to + i);
        }
        else if (VectorWidth.Has128)
        {
            for (; i <= n - 16; i += 16)
            {
                (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.Load(from + i));
                Vector256.ShiftLeft(low, 16).AsSingle().Store(to + i);
                Vector256.ShiftLeft(high, 16).AsSingle().Store(to + i + 8);
            }
        }

        for (; i < n; i++)
            to[i] = FromBFloat16(from[i]);
    }

    /// <summary>float32 → bfloat16, <paramref name="n"/> elements.</summary>
    public static void ToBFloat16(float* from, ushort* to, long n)
    {
        long i = 0;
        if (VectorWidth.Has512)
        {
            for (; i <= n - 16; i += 16)
                Simd512.StoreBFloat16(Simd512.Load(from + i), to + i);
        }
        else if (VectorWidth.Has128)
        {
            for (; i <= n - 16; i += 16)
                Vector256.Narrow(ToBFloat16(from + i), ToBFloat16(from + i + 8)).Store(to + i);
        }

        for (; i < n; i++)
            to[i] = ToBFloat16(from[i]);
    }

    /// <summary>float32 → bfloat16 → float32, <paramref name="n"/> elements; in place, too.</summary>
    public static void RoundToBFloat16(float* from, float* to, long n)
    {
        long i = 0;
        if (VectorWidth.Has512)
        {
            for (; i <= n - 16; i += 16)
            {
                Vector512<float> value = Vector512.Load(from + i);
                Vector512<uint> bits = value.AsUInt32();
                Vector512<uint> odd = Vector512.ShiftRightLogical(bits, 16) & Vector512<uint>.One;
                Vector512<uint> rounded = Vector512.ConditionalSelect(
                    Vector512.Equals(value, value).AsUInt32(), bits + Vector512.Create(0x7fffu) + odd,
                    bits | Vector512.Create(0x00400000u));
                (rounded & Vector512.Create(0xffff0000u)).AsSingle().Store(to + i);
            }
        }
        else if (VectorWidth.Has128)
        {
            for (; i <= n - 8; i += 8)
                Vector256.ShiftLeft(ToBFloat16(from + i), 16).AsSingle().Store(to + i);
        }

        for (; i < n; i++)
            to[i] = FromBFloat16(ToBFloat16(from[i]));
    }

    /// <summary>float16 → float32, <paramref name="n"/> elements.</summary>
    public static void FromFloat16(Half* from, float* to, long n)
    {
        long i = 0;
        if (VectorWidth.Has128)
        {
            for (; i <= n - 16; i += 16)
            {
                (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.Load((ushort*)from + i));
                FromFloat16(low).Store(to + i);
                FromFloat16(high).Store(to + i + 8);
            }
        }

        for (; i < n; i++)
            to[i] = (float)from[i];
    }

    /// <summary>float32 → float16, <paramref name="n"/> elements.</summary>
    public static void ToFloat16(float* from, Half* to, long n)
    {
        long i = 0;
        if (VectorWidth.Has128)
        {
            for (; i <= n - 16; i += 16)
                Vector256.Narrow(ToFloat16(from + i), ToFloat16(from + i + 8)).Store((ushort*)to + i);
        }

        for (; i < n; i++)
            to[i] = (Half)from[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> ToBFloat16(float* from)
    {
        Vector256<float> x = Vector256.Load(from);
        Vector256<uint> bits = x.AsUInt32();
        Vector256<uint> high = Vector256.ShiftRightLogical(bits, 16);
        Vector256<uint> rounded = Vector256.ShiftRightLogical(
            bits + Vector256.Create(0x7fffu) + (high & Vector256<uint>.One), 16);
        return Vector256.ConditionalSelect(
            Vector256.Equals(x, x).AsUInt32(), rounded, high | Vector256.Create(0x0040u));
    }

    // A float16's exponent and fraction, moved 13 bits up, read as a float32 that is 2^112 too small; subnormals come
    // out right by the same multiplication.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> FromFloat16(Vector256<uint> half)
    {
        Vector256<uint> sign = Vector256.ShiftLeft(half & Vector256.Create(0x8000u), 16);
        Vector256<uint> magnitude = Vector256.ShiftLeft(half & Vector256.Create(0x7fffu), 13);
        Vector256<uint> scaled = (magnitude.AsSingle() * Vector256.Create(5.192297e33f)).AsUInt32();
        Vector256<uint> isSpecial = Vector256.GreaterThanOrEqual(
            magnitude.AsInt32(), Vector256.Create(0x7c00 << 13)).AsUInt32();
        return (sign | scaled | (isSpecial & Vector256.Create(0x7f800000u))).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> ToFloat16(float* from)
    {
        Vector256<uint> bits = Vector256.Load((uint*)from);
        Vector256<uint> magnitude = bits & Vector256.Create(0x7fffffffu);
        Vector256<uint> sign = Vector256.ShiftRightLogical(bits ^ magnitude, 16);
        // Below 2^-14: adding 0.5 lets the adder round to a multiple of 2^-24.
        Vector256<uint> subnormal =
            (magnitude.AsSingle() + Vector256.Create(0.5f)).AsUInt32() - Vector256.Create(0x3f000000u);
        Vector256<uint> odd = Vector256.ShiftRightLogical(magnitude, 13) & Vector256<uint>.One;
        Vector256<uint> normal = Vector256.ShiftRightLogical(magnitude + odd - Vector256.Create(0x37fff001u), 13);
        Vector256<int> order = magnitude.AsInt32();
        Vector256<uint> result = Vector256.ConditionalSelect(
            Vector256.LessThan(order, Vector256.Create(0x38800000)).AsUInt32(), subnormal, normal);
        Vector256<uint> special = Vector256.Create(0x7c00u)
            + (Vector256.GreaterThan(order, Vector256.Create(0x7f800000)).AsUInt32() & Vector256.Create(0x0200u));
        result = Vector256.ConditionalSelect(
            Vector256.GreaterThanOrEqual(order, Vector256.Create(0x47800000)).AsUInt32(), special, result);
        return sign | result;
    }
}
