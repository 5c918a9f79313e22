using System.Runtime.InteropServices;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Element conversions against .NET's own, one number at a time.</summary>
public sealed class TensorCastTests
{
    [Fact]
    public void Every_half_widens_as_dotnet_does()
    {
        var halves = new ushort[65536];
        for (int i = 0; i < halves.Length; i++)
            halves[i] = (ushort)i;
        var floats = new float[halves.Length];
        TensorCast.ToFloats(TensorType.Float16, MemoryMarshal.AsBytes(halves.AsSpan()), floats);
        for (int i = 0; i < halves.Length; i++)
        {
            float expected = (float)BitConverter.UInt16BitsToHalf(halves[i]);
            Assert.True(
                float.IsNaN(expected)
                    ? float.IsNaN(floats[i])
                    : BitConverter.SingleToInt32Bits(expected) == BitConverter.SingleToInt32Bits(floats[i]),
                $"0x{i:X4}");
        }
    }

    [Fact]
    public void Floats_narrow_to_the_nearest_half_and_bfloat16()
    {
        float[] floats = Interesting();
        var halves = new ushort[floats.Length];
        var brains = new ushort[floats.Length];
        TensorCast.FromFloats(floats, TensorType.Float16, MemoryMarshal.AsBytes(halves.AsSpan()));
        TensorCast.FromFloats(floats, TensorType.BFloat16, MemoryMarshal.AsBytes(brains.AsSpan()));
        for (int i = 0; i < floats.Length; i++)
        {
            if (float.IsNaN(floats[i]))
            {
                Assert.True(Half.IsNaN(BitConverter.UInt16BitsToHalf(halves[i])));
                Assert.True(float.IsNaN(BitConverter.Int32BitsToSingle(brains[i] << 16)));
                continue;
            }
            Assert.True(BitConverter.HalfToUInt16Bits((Half)floats[i]) == halves[i], $"{floats[i]:R} as float16");
            Assert.True(NearestBFloat16(floats[i]) == brains[i], $"{floats[i]:R} as bfloat16");
        }
    }

    [Theory]
    [InlineData(65504f, true)]
    [InlineData(65519.996f, true)]
    [InlineData(65520f, false)]
    [InlineData(-1e9f, false)]
    [InlineData(float.PositiveInfinity, true)]
    [InlineData(float.NaN, true)]
    public void Half_overflow_is_told(float value, bool fits)
    {
        foreach (int count in (int[])[1, 16, 37])
        {
            var floats = new float[count];
            floats[count - 1] = value;
            Assert.Equal(fits, TensorCast.FromFloats(floats, TensorType.Float16, new byte[2 * count]));
            Assert.True(TensorCast.FromFloats(floats, TensorType.BFloat16, new byte[2 * count]));
        }
    }

    [Theory]
    [InlineData(TensorType.Float64, TensorType.Float32)]
    [InlineData(TensorType.Float64, TensorType.BFloat16)]
    [InlineData(TensorType.Float16, TensorType.BFloat16)]
    [InlineData(TensorType.BFloat16, TensorType.Float16)]
    [InlineData(TensorType.BFloat16, TensorType.Float32)]
    [InlineData(TensorType.Float32, TensorType.Float32)]
    public void Conversion_of_many_blocks_equals_that_of_each_number(TensorType from, TensorType to)
    {
        const int count = 10_007;
        var random = new Random(3);
        var source = new byte[count * from.Size()];
        for (int i = 0; i < count; i++)
        {
            double value = random.NextDouble() * 200 - 100;
            Span<byte> element = source.AsSpan(i * from.Size());
            if (from == TensorType.Float64)
                BitConverter.TryWriteBytes(element, value);
            else
                TensorCast.FromFloats([(float)value], from, element[..from.Size()]);
        }
        var all = new byte[count * to.Size()];
        Assert.True(TensorCast.Convert(from, source, to, all));
        var one = new byte[to.Size()];
        for (int i = 0; i < count; i++)
        {
            TensorCast.Convert(from, source.AsSpan(i * from.Size(), from.Size()), to, one);
            Assert.True(one.AsSpan().SequenceEqual(all.AsSpan(i * to.Size(), to.Size())), $"element {i}");
        }
    }

    private static ushort NearestBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        uint kept = bits >> 16, rest = bits & 0xFFFF;
        return (ushort)(rest > 0x8000 || rest == 0x8000 && (kept & 1) == 1 ? kept + 1 : kept);
    }

    // Ties, denormals, limits, and random bits.
    private static float[] Interesting()
    {
        var values = new List<float>
        {
            0, -0f, 1, -1, 65504, 65519, 65520, 65535, 65536, 1e-8f, 5.96046448e-8f, 2.98023224e-8f, 2.980233e-8f,
            6.1035156e-5f, 6.1e-5f,
            1.00048828125f, 1.0009765625f, 1.00146484375f, float.Epsilon, float.MaxValue, float.PositiveInfinity,
            float.NegativeInfinity, float.NaN,
        };
        for (int exponent = -30; exponent <= 18; exponent++)
            for (int step = 0; step < 64; step++)
                values.Add(MathF.ScaleB(1 + step / 64f + 1 / 2048f, exponent));
        var random = new Random(11);
        for (int i = 0; i < 200_000; i++)
            values.Add(BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)));
        return [.. values];
    }
}
