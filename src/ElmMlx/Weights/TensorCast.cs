using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ElmMlx.Weights;

/// <summary>
/// Element conversions, to nearest and to even on a tie, through float32 in blocks that stay in the first cache. A
/// float64 is rounded to float32 first, as PyTorch does.
/// </summary>
internal static class TensorCast
{
    private const int BlockElements = 4096;

    /// <summary>Converts elements.</summary>
    /// <param name="from">A floating type.</param>
    /// <param name="source">The elements.</param>
    /// <param name="to">float32, float16 or bfloat16, or the source's own type.</param>
    /// <param name="destination">As many elements.</param>
    /// <returns>False when a finite number became infinite, which only float16 does.</returns>
    public static bool Convert(TensorType from, ReadOnlySpan<byte> source, TensorType to, Span<byte> destination)
    {
        if (from == to)
        {
            source.CopyTo(destination);
            return true;
        }
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("Conversions are implemented for little-endian machines.");
        int count = source.Length / from.Size();
        if (destination.Length != count * to.Size())
            throw new ArgumentException("The destination is not as long as the source.", nameof(destination));
        Span<float> block =
            stackalloc float[from == TensorType.Float32 || to == TensorType.Float32 ? 1 : BlockElements];
        bool finite = true;
        for (int start = 0; start < count; start += BlockElements)
        {
            int length = Math.Min(BlockElements, count - start);
            ReadOnlySpan<byte> input = source.Slice(start * from.Size(), length * from.Size());
            Span<byte> output = destination.Slice(start * to.Size(), length * to.Size());
            if (from == TensorType.Float32)
            {
                finite &= FromFloats(MemoryMarshal.Cast<byte, float>(input), to, output);
            }
            else if (to == TensorType.Float32)
            {
                finite &= ToFloats(from, input, MemoryMarshal.Cast<byte, float>(output));
            }
            else
            {
                finite &= ToFloats(from, input, block[..length]);
                finite &= FromFloats(block[..length], to, output);
            }
        }
        return finite;
    }

    /// <summary>Elements of any floating type as float32.</summary>
    /// <returns>False when a float64 was too large.</returns>
    public static bool ToFloats(TensorType from, ReadOnlySpan<byte> source, Span<float> destination)
    {
        switch (from)
        {
            case TensorType.Float32:
                source.CopyTo(MemoryMarshal.AsBytes(destination));
                return true;
            case TensorType.BFloat16:
                WidenBFloat16(MemoryMarshal.Cast<byte, ushort>(source), destination);
                return true;
            case TensorType.Float16:
                WidenHalf(MemoryMarshal.Cast<byte, ushort>(source), destination);
                return true;
            case TensorType.Float64:
                return NarrowDouble(source, destination);
            default:
                throw new NotSupportedException($"{from.Name()} is not a floating-point type that weights have.");
        }
    }

    /// <summary>float32 as elements of another floating type.</summary>
    /// <returns>False when a finite number became infinite.</returns>
    public static bool FromFloats(ReadOnlySpan<float> source, TensorType to, Span<byte> destination)
    {
        switch (to)
        {
            case TensorType.Float32:
                MemoryMarshal.AsBytes(source).CopyTo(destination);
                return true;
            case TensorType.BFloat16:
                NarrowBFloat16(MemoryMarshal.Cast<float, uint>(source), MemoryMarshal.Cast<byte, ushort>(destination));
                return true;
            case TensorType.Float16:
                return NarrowHalf(
                    MemoryMarshal.Cast<float, uint>(source), MemoryMarshal.Cast<byte, ushort>(destination));
            default:
                throw new NotSupportedException($"Weights are not converted to {to.Name()}.");
        }
    }

    private static void WidenBFloat16(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        ref ushort from = ref MemoryMarshal.GetReference(source);
        ref uint to = ref Unsafe.As<float, uint>(ref MemoryMarshal.GetReference(destination));
        int i = 0;
        for (; i <= source.Length - 16; i += 16)
        {
            (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.LoadUnsafe(ref from, (nuint)i));
            (low << 16).StoreUnsafe(ref to, (nuint)i);
            (high << 16).StoreUnsafe(ref to, (nuint)i + 8);
        }
        for (; i < source.Length; i++)
            Unsafe.Add(ref to, i) = (uint)Unsafe.Add(ref from, i) << 16;
    }

    private static void NarrowBFloat16(ReadOnlySpan<uint> source, Span<ushort> destination)
    {
        ref uint from = ref MemoryMarshal.GetReference(source);
        ref ushort to = ref MemoryMarshal.GetReference(destination);
        int i = 0;
        for (; i <= source.Length - 16; i += 16)
        {
            Vector256<uint> low = RoundBFloat16(Vector256.LoadUnsafe(ref from, (nuint)i));
            Vector256<uint> high = RoundBFloat16(Vector256.LoadUnsafe(ref from, (nuint)i + 8));
            Vector256.Narrow(low, high).StoreUnsafe(ref to, (nuint)i);
        }
        for (; i < source.Length; i++)
            Unsafe.Add(ref to, i) = (ushort)RoundBFloat16(Vector256.CreateScalar(Unsafe.Add(ref from, i))).ToScalar();
    }

    // x + 0x7fff + lowest kept bit, cut; a NaN stays one.
    private static Vector256<uint> RoundBFloat16(Vector256<uint> x)
    {
        Vector256<uint> rounded = (x + Vector256.Create(0x7FFFu) + ((x >> 16) & Vector256<uint>.One)) >> 16;
        Vector256<uint> nan = Vector256.GreaterThan(
            (x & Vector256.Create(0x7FFF_FFFFu)).AsInt32(), Vector256.Create(0x7F80_0000)).AsUInt32();
        return Vector256.ConditionalSelect(nan, (x >> 16) | Vector256.Create(0x40u), rounded);
    }

    private static void WidenHalf(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        ref ushort from = ref MemoryMarshal.GetReference(source);
        ref float to = ref MemoryMarshal.GetReference(destination);
        int i = 0;
        for (; i <= source.Length - 16; i += 16)
        {
            (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.LoadUnsafe(ref from, (nuint)i));
            WidenHalf(low).StoreUnsafe(ref to, (nuint)i);
            WidenHalf(high).StoreUnsafe(ref to, (nuint)i + 8);
        }
        for (; i < source.Length; i++)
            Unsafe.Add(ref to, i) = WidenHalf(Vector256.CreateScalar((uint)Unsafe.Add(ref from, i))).ToScalar();
    }

    // Move exponent and fraction into place and re-bias; denormals are renormalised by a subtraction.
    private static Vector256<float> WidenHalf(Vector256<uint> half)
    {
        Vector256<uint> sign = (half & Vector256.Create(0x8000u)) << 16;
        Vector256<uint> body = (half & Vector256.Create(0x7FFFu)) << 13;
        Vector256<uint> exponent = body & Vector256.Create(0x0F80_0000u);
        Vector256<uint> normal = body + Vector256.Create(0x3800_0000u);
        Vector256<uint> special =
            Vector256.Equals(exponent, Vector256.Create(0x0F80_0000u)) & Vector256.Create(0x3800_0000u);
        Vector256<uint> denormal =
            ((body + Vector256.Create(0x3880_0000u)).AsSingle() - Vector256.Create(0x3880_0000u).AsSingle()).AsUInt32();
        Vector256<uint> isDenormal = Vector256.Equals(exponent, Vector256<uint>.Zero);
        return (Vector256.ConditionalSelect(isDenormal, denormal, normal + special) | sign).AsSingle();
    }

    private static bool NarrowHalf(ReadOnlySpan<uint> source, Span<ushort> destination)
    {
        ref uint from = ref MemoryMarshal.GetReference(source);
        ref ushort to = ref MemoryMarshal.GetReference(destination);
        Vector256<uint> overflow = Vector256<uint>.Zero;
        int i = 0;
        for (; i <= source.Length - 16; i += 16)
        {
            Vector256<uint> low = NarrowHalf(Vector256.LoadUnsafe(ref from, (nuint)i), ref overflow);
            Vector256<uint> high = NarrowHalf(Vector256.LoadUnsafe(ref from, (nuint)i + 8), ref overflow);
            Vector256.Narrow(low, high).StoreUnsafe(ref to, (nuint)i);
        }
        for (; i < source.Length; i++)
            Unsafe.Add(ref to, i) =
                (ushort)NarrowHalf(Vector256.CreateScalar(Unsafe.Add(ref from, i)), ref overflow).ToScalar();
        return overflow == Vector256<uint>.Zero;
    }

    private static Vector256<uint> NarrowHalf(Vector256<uint> x, ref Vector256<uint> overflow)
    {
        Vector256<int> body = (x & Vector256.Create(0x7FFF_FFFFu)).AsInt32();
        Vector256<uint> sign = (x & Vector256.Create(0x8000_0000u)) >> 16;

        // From 65520 on the nearest half is infinity; a NaN becomes a quiet one.
        Vector256<int> isLarge = Vector256.GreaterThan(body, Vector256.Create(0x477F_EFFF));
        Vector256<int> isNan = Vector256.GreaterThan(body, Vector256.Create(0x7F80_0000));
        Vector256<int> isFinite = Vector256.LessThan(body, Vector256.Create(0x7F80_0000));
        overflow |= (isLarge & isFinite).AsUInt32();
        Vector256<int> large = Vector256.ConditionalSelect(isNan, Vector256.Create(0x7E00), Vector256.Create(0x7C00));

        // Below 2⁻¹⁴: adding 0.5 lets the addition round at the half's last denormal bit.
        Vector256<int> isSmall = Vector256.LessThan(body, Vector256.Create(0x3880_0000));
        Vector256<int> small = (body.AsSingle() + Vector256.Create(0.5f)).AsInt32() - Vector256.Create(0x3F00_0000);

        Vector256<int> odd = (body >>> 13) & Vector256<int>.One;
        Vector256<int> normal = (body + Vector256.Create(unchecked((int)0xC800_0FFF)) + odd) >>> 13;

        Vector256<int> result = Vector256.ConditionalSelect(isSmall, small, normal);
        return Vector256.ConditionalSelect(isLarge, large, result).AsUInt32() | sign;
    }

    private static bool NarrowDouble(ReadOnlySpan<byte> source, Span<float> destination)
    {
        bool finite = true;
        for (int i = 0; i < destination.Length; i++)
        {
            double value = BinaryPrimitives.ReadDoubleLittleEndian(source[(i * 8)..]);
            destination[i] = (float)value;
            finite &= float.IsFinite(destination[i]) || !double.IsFinite(value);
        }
        return finite;
    }
}
