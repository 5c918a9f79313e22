using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Scales and biases in float32.</summary>
internal static unsafe class FieldScales<L, V, S>
    where L : struct, ISimd<V>
    where V : struct
    where S : struct, IFloatFormat
{
    /// <summary>
    /// <paramref name="count"/> of <paramref name="nAll"/> numbers from <paramref name="first"/> on, as many as there are.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Widen(void* all, long first, long nAll, int count, float* to)
    {
        count = (int)Math.Clamp(nAll - first, 0, count);
        byte* from = (byte*)all + first * S.Size;
        int i = 0;
        for (; i < count && first + i + L.Count <= nAll; i += L.Count)
            L.Store(S.Load<L, V>(from, i), to + i);
        for (; i < count; i++)
            to[i] = S.Load<SimdScalar, float>(from, i);
    }
}
