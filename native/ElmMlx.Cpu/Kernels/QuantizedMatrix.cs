using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// A quantised matrix in memory. Numbers are packed along a row from the lowest bit up; each <see cref="GroupSize"/> of
/// them share a scale and, in affine mode, a bias.
/// </summary>
internal unsafe struct QuantizedMatrix
{
    public QuantizationMode Mode;
    public int Bits, GroupSize;

    /// <summary>Rows, and numbers (not words) in a row.</summary>
    public int Rows, Columns;

    public uint* Words;

    /// <summary>[Rows, Columns / GroupSize]: of <see cref="ScaleType"/> in affine mode, else bytes.</summary>
    public void* Scales;

    /// <summary>Like the scales; null but in affine mode.</summary>
    public void* Biases;

    public mlx_dtype ScaleType;

    public readonly long RowBytes => (long)Columns * Bits / 8;

    public readonly int GroupsPerRow => Columns / GroupSize;

    /// <summary>The scale of a group, counted over the whole matrix.</summary>
    public readonly float Scale(long group) => Mode switch
    {
        QuantizationMode.Affine => Read(Scales, group),
        QuantizationMode.Nvfp4 => Float8.FromE4M3(((byte*)Scales)[group]),
        _ => Float8.FromE8M0(((byte*)Scales)[group]),
    };

    /// <summary>The bias of a group, counted over the whole matrix.</summary>
    public readonly float Bias(long group) => Mode == QuantizationMode.Affine ? Read(Biases, group) : 0;

    /// <summary>
    /// Writes <paramref name="count"/> numbers of a row from <paramref name="first"/> on in float32, not rounded between.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Dequantize(int row, int first, int count, float* to)
    {
        byte* packed = (byte*)Words + row * RowBytes;
        float* values = stackalloc float[256];
        FillValues(values);

        // Eight numbers are unpacked from eight bytes, which must not reach beyond the matrix.
        bool hasVectors = VectorWidth.Has256 && Avx2.IsSupported;
        long readable = (Rows - row) * RowBytes - sizeof(ulong);
        for (int i = first, end = first + count; i < end;)
        {
            int groupEnd = Math.Min(end, (i / GroupSize + 1) * GroupSize);
            long group = (long)row * GroupsPerRow + i / GroupSize;
            float scale = Scale(group), bias = Bias(group);
            while (i < groupEnd)
            {
                if (hasVectors && (i & 7) == 0 && i <= groupEnd - 8 && (long)i * Bits / 8 <= readable)
                {
                    Vector256<int> codes = Codes8(packed + (long)i * Bits / 8);
                    Vector256<float> numbers = Mode == QuantizationMode.Affine
                        ? Vector256.ConvertToSingle(codes)
                        : Avx2.GatherVector256(values, codes, sizeof(float));
                    numbers = Vector256.MultiplyAddEstimate(numbers, Vector256.Create(scale), Vector256.Create(bias));
                    numbers.Store(to);
                    i += 8;
                    to += 8;
                    continue;
                }

                *to++ = float.MultiplyAddEstimate(scale, values[Code(packed, i)], bias);
                i++;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly Vector256<int> Codes8(byte* packed)
    {
        ulong bits = *(ulong*)packed, mask = (1ul << Bits) - 1, step = (ulong)Bits;
        if (VectorWidth.Has512 && Avx512F.IsSupported)
        {
            Vector512<ulong> shifts = Vector512<ulong>.Indices * step;
            Vector512<ulong> fields = Avx512F.ShiftRightLogicalVariable(Vector512.Create(bits), shifts);
            return Avx512F.ConvertToVector256Int32(fields & Vector512.Create(mask));
        }

        Vector256<ulong> low = Vector256<ulong>.Indices * step, high = low + Vector256.Create(4 * step);
        Vector256<ulong> all = Vector256.Create(bits), masks = Vector256.Create(mask);
        return Vector256.Narrow(
            Avx2.ShiftRightLogicalVariable(all, low) & masks, Avx2.ShiftRightLogicalVariable(all, high) & masks).AsInt32();
    }

    /// <summary>The code of number <paramref name="index"/> of a packed row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int Code(byte* packed, int index)
    {
        if (Bits == 8)
            return packed[index];
        if (Bits == 4)
            return (packed[index >> 1] >> ((index & 1) * 4)) & 15;
        long bit = (long)index * Bits;
        byte* at = packed + (bit >> 3);
        int shift = (int)(bit & 7);
        int two = shift + Bits > 8 ? at[0] | (at[1] << 8) : at[0];
        return (two >> shift) & ((1 << Bits) - 1);
    }

    /// <summary>What each code stands for before scale and bias.</summary>
    public readonly void FillValues(float* values)
    {
        for (int code = 0; code < 1 << Bits; code++)
        {
            values[code] = Mode switch
            {
                QuantizationMode.Affine => code,
                QuantizationMode.Mxfp8 => Float8.FromE4M3((byte)code),
                _ => Float8.Float4[code],
            };
        }
    }

    private readonly float Read(void* from, long index) => ScaleType switch
    {
        mlx_dtype.MLX_FLOAT32 => ((float*)from)[index],
        mlx_dtype.MLX_BFLOAT16 => SimdScalar.LoadBFloat16((ushort*)from + index),
        _ => SimdScalar.LoadFloat16((ushort*)from + index),
    };
}
