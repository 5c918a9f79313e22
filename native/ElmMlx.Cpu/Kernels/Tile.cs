using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// The heart of a matrix product: a tile of <see cref="Rows"/> × <see cref="Columns"/> results kept in registers, fed
/// from packed panels. A panel of A is <c>[k][Rows]</c>, one of B <c>[k][Columns]</c>. With panels in the caches near the core,
/// 12 × 32 reaches 93 to 97 % of the multiply-add limit (Zen 5, AVX-512) and, in hours when the host was busy, 86 %; with A in the
/// third-level cache 1 to 3 % less, and 10 % less where it is not asked for ahead.
/// </summary>
internal static unsafe class Tile<L, V>
    where L : struct, ISimd<V>
    where V : struct
{
    /// <summary>Steps of k before which a panel of A is asked for: the third-level cache takes about as long.</summary>
    private const int StepsAhead = 64;

    public static int Rows => L.HasManyRegisters ? 12 : 6;

    public static int Columns => L.Count * 2;

    /// <summary>c (+)= a·b over <paramref name="nK"/> steps; <paramref name="cRow"/> floats from row to row of c.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply(int nK, float* a, float* b, float* c, int cRow, bool accumulate)
    {
        if (accumulate)
            Ask(c, cRow);
        if (L.HasManyRegisters)
            Multiply12(nK, a, b, c, cRow, accumulate);
        else
            Multiply6(nK, a, b, c, cRow, accumulate);
    }

    // Explicit locals: an array of accumulators would live in memory, and so would they if anything were called in here.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Multiply12(int nK, float* a, float* b, float* c, int cRow, bool accumulate)
    {
        V c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default;
        V c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        V c60 = default, c61 = default, c70 = default, c71 = default, c80 = default, c81 = default;
        V c90 = default, c91 = default, c100 = default, c101 = default, c110 = default, c111 = default;
        for (int k = 0; k < nK; k++)
        {
            if (Sse.IsSupported)
                Sse.Prefetch0(a + 12 * StepsAhead);
            V b0 = L.Load(b), b1 = L.Load(b + L.Count);
            V x = L.Create(a[0]);
            c00 = L.MultiplyAdd(x, b0, c00);
            c01 = L.MultiplyAdd(x, b1, c01);
            x = L.Create(a[1]);
            c10 = L.MultiplyAdd(x, b0, c10);
            c11 = L.MultiplyAdd(x, b1, c11);
            x = L.Create(a[2]);
            c20 = L.MultiplyAdd(x, b0, c20);
            c21 = L.MultiplyAdd(x, b1, c21);
            x = L.Create(a[3]);
            c30 = L.MultiplyAdd(x, b0, c30);
            c31 = L.MultiplyAdd(x, b1, c31);
            x = L.Create(a[4]);
            c40 = L.MultiplyAdd(x, b0, c40);
            c41 = L.MultiplyAdd(x, b1, c41);
            x = L.Create(a[5]);
            c50 = L.MultiplyAdd(x, b0, c50);
            c51 = L.MultiplyAdd(x, b1, c51);
            x = L.Create(a[6]);
            c60 = L.MultiplyAdd(x, b0, c60);
            c61 = L.MultiplyAdd(x, b1, c61);
            x = L.Create(a[7]);
            c70 = L.MultiplyAdd(x, b0, c70);
            c71 = L.MultiplyAdd(x, b1, c71);
            x = L.Create(a[8]);
            c80 = L.MultiplyAdd(x, b0, c80);
            c81 = L.MultiplyAdd(x, b1, c81);
            x = L.Create(a[9]);
            c90 = L.MultiplyAdd(x, b0, c90);
            c91 = L.MultiplyAdd(x, b1, c91);
            x = L.Create(a[10]);
            c100 = L.MultiplyAdd(x, b0, c100);
            c101 = L.MultiplyAdd(x, b1, c101);
            x = L.Create(a[11]);
            c110 = L.MultiplyAdd(x, b0, c110);
            c111 = L.MultiplyAdd(x, b1, c111);
            a += 12;
            b += 2 * L.Count;
        }

        Store(c, c00, c01, accumulate);
        Store(c + cRow, c10, c11, accumulate);
        Store(c + 2 * cRow, c20, c21, accumulate);
        Store(c + 3 * cRow, c30, c31, accumulate);
        Store(c + 4 * cRow, c40, c41, accumulate);
        Store(c + 5 * cRow, c50, c51, accumulate);
        Store(c + 6 * cRow, c60, c61, accumulate);
        Store(c + 7 * cRow, c70, c71, accumulate);
        Store(c + 8 * cRow, c80, c81, accumulate);
        Store(c + 9 * cRow, c90, c91, accumulate);
        Store(c + 10 * cRow, c100, c101, accumulate);
        Store(c + 11 * cRow, c110, c111, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Multiply6(int nK, float* a, float* b, float* c, int cRow, bool accumulate)
    {
        V c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default;
        V c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        for (int k = 0; k < nK; k++)
        {
            if (Sse.IsSupported)
                Sse.Prefetch0(a + 6 * StepsAhead);
            V b0 = L.Load(b), b1 = L.Load(b + L.Count);
            V x = L.Create(a[0]);
            c00 = L.MultiplyAdd(x, b0, c00);
            c01 = L.MultiplyAdd(x, b1, c01);
            x = L.Create(a[1]);
            c10 = L.MultiplyAdd(x, b0, c10);
            c11 = L.MultiplyAdd(x, b1, c11);
            x = L.Create(a[2]);
            c20 = L.MultiplyAdd(x, b0, c20);
            c21 = L.MultiplyAdd(x, b1, c21);
            x = L.Create(a[3]);
            c30 = L.MultiplyAdd(x, b0, c30);
            c31 = L.MultiplyAdd(x, b1, c31);
            x = L.Create(a[4]);
            c40 = L.MultiplyAdd(x, b0, c40);
            c41 = L.MultiplyAdd(x, b1, c41);
            x = L.Create(a[5]);
            c50 = L.MultiplyAdd(x, b0, c50);
            c51 = L.MultiplyAdd(x, b1, c51);
            a += 6;
            b += 2 * L.Count;
        }

        Store(c, c00, c01, accumulate);
        Store(c + cRow, c10, c11, accumulate);
        Store(c + 2 * cRow, c20, c21, accumulate);
        Store(c + 3 * cRow, c30, c31, accumulate);
        Store(c + 4 * cRow, c40, c41, accumulate);
        Store(c + 5 * cRow, c50, c51, accumulate);
    }

    // What the results will be added to at the end.
    private static void Ask(float* c, int cRow)
    {
        for (int row = 0; row < Rows && Sse.IsSupported; row++)
        {
            Sse.Prefetch0(c + row * cRow);
            Sse.Prefetch0(c + row * cRow + L.Count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* c, V x0, V x1, bool accumulate)
    {
        if (accumulate)
        {
            x0 = L.Add(L.Load(c), x0);
            x1 = L.Add(L.Load(c + L.Count), x1);
        }

        L.Store(x0, c);
        L.Store(x1, c + L.Count);
    }
}
