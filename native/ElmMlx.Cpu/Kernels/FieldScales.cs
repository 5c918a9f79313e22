using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Scales and biases of affine groups in float32.</summary>
internal static unsafe class FieldScales<L, V, S>
    where L : struct, ISimd<V>
    where V : struct
    where S : struct, IFloatFormat
{
    /// <summary>
    /// The scales of <paramref name="count"/> groups from group <paramref name="first"/> on, as many as w has, and what the middle of
    /// a group's range stands for: <c>bias + scale · 2^(bits − 1)</c>. Asks for those of the next groups.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Widen(in QuantizedMatrix w, long first, int count, float* scales, float* middles)
    {
        long nAll = (long)w.Rows * w.GroupsPerRow;
        byte* s = (byte*)w.Scales + first * S.Size, b = (byte*)w.Biases + first * S.Size;
        float half = 1 << (w.Bits - 1);
        V centre = L.Create(half);
        for (int at = 0; Sse.IsSupported && at < count * S.Size; at += 64)
        {
            Sse.Prefetch0(s + count * S.Size + at);
            Sse.Prefetch0(b + count * S.Size + at);
        }

        count = (int)Math.Clamp(nAll - first, 0, count);
        int i = 0;
        for (; i < count && first + i + L.Count <= nAll; i += L.Count)
        {
            V scale = S.Load<L, V>(s, i);
            L.Store(scale, scales + i);
            L.Store(L.MultiplyAdd(scale, centre, S.Load<L, V>(b, i)), middles + i);
        }

        for (; i < count; i++)
        {
            scales[i] = S.Load<SimdScalar, float>(s, i);
            middles[i] = float.MultiplyAddEstimate(scales[i], half, S.Load<SimdScalar, float>(b, i));
        }
    }
}
