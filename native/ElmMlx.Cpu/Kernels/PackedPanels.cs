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
            for (; line < present; line++)
                to[line] = F.Load<SimdScalar, float>(from, line);
            from += kStride * F.Size;
            to += width;
        }
    }

    // Each line lies in one piece: 4 × 4 blocks are turned.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackColumns<L, V, F>(byte* from, long lineStride, int present, int nK, int width, float* to)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        int line = 0;
        if (L.Count > 1 && Sse.IsSupported)
        {
            for (; line <= present - 4; line += 4)
            {
                byte* row0 = from + line * lineStride * F.Size;
                byte* row1 = row0 + lineStride * F.Size, row2 = row1 + lineStride * F.Size;
                byte* row3 = row2 + lineStride * F.Size;
                float* target = to + line;
                int k = 0;
                for (; k <= nK - 4; k += 4)
                {
                    Vector128<float> x0 = F.Load<Simd128, Vector128<float>>(row0, k);
                    Vector128<float> x1 = F.Load<Simd128, Vector128<float>>(row1, k);
                    Vector128<float> x2 = F.Load<Simd128, Vector128<float>>(row2, k);
                    Vector128<float> x3 = F.Load<Simd128, Vector128<float>>(row3, k);
                    Vector128<float> low01 = Sse.UnpackLow(x0, x1), high01 = Sse.UnpackHigh(x0, x1);
                    Vector128<float> low23 = Sse.UnpackLow(x2, x3), high23 = Sse.UnpackHigh(x2, x3);
                    Sse.MoveLowToHigh(low01, low23).Store(target);
                    Sse.MoveHighToLow(low23, low01).Store(target + width);
                    Sse.MoveLowToHigh(high01, high23).Store(target + 2 * width);
                    Sse.MoveHighToLow(high23, high01).Store(target + 3 * width);
                    target += 4 * width;
                }

                for (; k < nK; k++)
                {
                    target[0] = F.Load<SimdScalar, float>(row0, k);
                    target[1] = F.Load<SimdScalar, float>(row1, k);
                    target[2] = F.Load<SimdScalar, float>(row2, k);
                    target[3] = F.Load<SimdScalar, float>(row3, k);
                    target += width;
                }
            }
        }

        for (; line < present; line++)
        {
            byte* row = from + line * lineStride * F.Size;
            for (int k = 0; k < nK; k++)
                to[k * width + line] = F.Load<SimdScalar, float>(row, k);
        }
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
