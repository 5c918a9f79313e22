using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Copies part of a matrix into float32 panels for <see cref="Tile{L, V}"/>: <c>[panel][k][lines of a panel]</c>. A line
/// is a row of A or a column of B; lines that the matrix lacks are zeros.
/// </summary>
internal static unsafe class PackedPanels
{
    /// <summary>A multiple of four.</summary>
    private const int LinesAhead = 8;

    /// <summary>
    /// Packs <paramref name="nLines"/> × <paramref name="nK"/> elements, the first of which lies at
    /// <paramref name="from"/>, into panels of <paramref name="width"/> lines. Strides in elements.
    /// </summary>
    public static void Pack<L, V, F>(
        void* from, long lineStride, long kStride, int nLines, int nK, int width, float* to)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        for (int line = 0; line < nLines; line += width)
        {
            int present = Math.Min(width, nLines - line);
            if (present < width)
                new Span<float>(to, nK * width).Clear();
            byte* first = (byte*)from + line * lineStride * F.Size;
            if (lineStride == 1)
                PackRows<L, V, F>(first, kStride, present, nK, width, to);
            else if (kStride == 1)
                PackColumns<L, V, F>(first, lineStride, present, nK, width, to);
            else
                PackAny<F>(first, lineStride, kStride, present, nK, width, to);
            to += (long)nK * width;
        }
    }

    // The lines lie side by side: each k is a short copy.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackRows<L, V, F>(byte* from, long kStride, int present, int nK, int width, float* to)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        for (int k = 0; k < nK; k++)
        {
            int line = 0;
            for (; line <= present - L.Count; line += L.Count)
                L.Store(F.Load<L, V>(from, line), to + line);
            for (; L.Count > 4 && line <= present - 4; line += 4)
                F.Load<Simd128, Vector128<float>>(from, line).Store(to + line);
            for (; line < present; line++)
                to[line] = F.Load<SimdScalar, float>(from, line);
            from += kStride * F.Size;
            to += width;
        }
    }

    // Each line lies in one piece: four at a time are turned.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackColumns<L, V, F>(byte* from, long lineStride, int present, int nK, int width, float* to)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        long step = lineStride * F.Size;
        int line = 0;
        for (; line <= present - 4; line += 4, from += 4 * step)
        {
            int k = Turn<L, V, F>(from, step, 0, nK, width, to + line);
            if (L.Count > 4)
                k = Turn<Simd128, Vector128<float>, F>(from, step, k, nK, width, to + line);
            Turn<SimdScalar, float, F>(from, step, k, nK, width, to + line);
        }

        for (; line < present; line++, from += step)
        {
            for (int k = 0; k < nK; k++)
                to[k * width + line] = F.Load<SimdScalar, float>(from, k);
        }
    }

    // Four lines from k on, as far as whole vectors go. The lines that are turned later are asked for: the pieces are too short
    // for the processor to foresee them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Turn<L, V, F>(byte* line, long step, int k, int nK, int width, float* to)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        for (; k <= nK - L.Count; k += L.Count)
        {
            byte* at = line + k * F.Size;
            if (L.Count > 1 && Sse.IsSupported)
            {
                byte* ahead = at + LinesAhead * step;
                Sse.Prefetch0(ahead);
                Sse.Prefetch0(ahead + step);
                Sse.Prefetch0(ahead + 2 * step);
                Sse.Prefetch0(ahead + 3 * step);
            }

            L.StoreTurned(
                F.Load<L, V>(at, 0), F.Load<L, V>(at + step, 0), F.Load<L, V>(at + 2 * step, 0), F.Load<L, V>(at + 3 * step, 0),
                to + k * width, width);
        }

        return k;
    }

    private static void PackAny<F>(
        byte* from, long lineStride, long kStride, int present, int nK, int width, float* to)
        where F : struct, IFloatFormat
    {
        for (int k = 0; k < nK; k++)
        {
            for (int line = 0; line < present; line++)
                to[line] = F.Load<SimdScalar, float>(from, line * lineStride + k * kStride);
            to += width;
        }
    }
}
