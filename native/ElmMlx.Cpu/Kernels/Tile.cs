using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// The heart of a matrix product: a tile of <see cref="Rows"/> × <see cref="Columns"/> results kept in registers, fed
/// from packed panels. A panel of A is <c>[k][Rows]</c>, one of B <c>[k][Columns]</c>.
/// </summary>
internal static unsafe class Tile<L, V>
    where L : struct, ISimd<V>
    where V : struct
{
    public static int Rows => L.HasManyRegisters ? 8 : 6;

    public static int Columns => L.Count * (L.HasManyRegisters ? 3 : 2);

    /// <summary>c (+)= a·b over <paramref name="nK"/> steps; <paramref name="cRow"/> floats from row to row of c.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply(int nK, float* a, float* b, float* c, int cRow, bool accumulate)
    {
        if (!accumulate)
        {
            for (int row = 0; row < Rows; row++)
                new Span<float>(c + row * cRow, Columns).Clear();
        }

        if (L.HasManyRegisters)
            Multiply8x3(nK, a, b, c, cRow);
        else
            Multiply6x2(nK, a, b, c, cRow);
    }

    // Explicit locals: an array of accumulators would live in memory.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Multiply8x3(int nK, float* a, float* b, float* c, int cRow)
    {
        V c00 = default, c01 = default, c02 = default, c10 = default, c11 = default, c12 = default;
        V c20 = default, c21 = default, c22 = default, c30 = default, c31 = default, c32 = default;
        V c40 = default, c41 = default, c42 = default, c50 = default, c51 = default, c52 = default;
        V c60 = default, c61 = default, c62 = default, c70 = default, c71 = default, c72 = default;
        for (int k = 0; k < nK; k++)
        {
            V b0 = L.Load(b), b1 = L.Load(b + L.Count), b2 = L.Load(b + 2 * L.Count);
            V x = L.Create(a[0]);
            c00 = L.MultiplyAdd(x, b0, c00);
            c01 = L.MultiplyAdd(x, b1, c01);
            c02 = L.MultiplyAdd(x, b2, c02);
            x = L.Create(a[1]);
            c10 = L.MultiplyAdd(x, b0, c10);
            c11 = L.MultiplyAdd(x, b1, c11);
            c12 = L.MultiplyAdd(x, b2, c12);
            x = L.Create(a[2]);
            c20 = L.MultiplyAdd(x, b0, c20);
            c21 = L.MultiplyAdd(x, b1, c21);
            c22 = L.MultiplyAdd(x, b2, c22);
            x = L.Create(a[3]);
            c30 = L.MultiplyAdd(x, b0, c30);
            c31 = L.MultiplyAdd(x, b1, c31);
            c32 = L.MultiplyAdd(x, b2, c32);
            x = L.Create(a[4]);
            c40 = L.MultiplyAdd(x, b0, c40);
            c41 = L.MultiplyAdd(x, b1, c41);
            c42 = L.MultiplyAdd(x, b2, c42);
            x = L.Create(a[5]);
            c50 = L.MultiplyAdd(x, b0, c50);
            c51 = L.MultiplyAdd(x, b1, c51);
            c52 = L.MultiplyAdd(x, b2, c52);
            x = L.Create(a[6]);
            c60 = L.MultiplyAdd(x, b0, c60);
            c61 = L.MultiplyAdd(x, b1, c61);
            c62 = L.MultiplyAdd(x, b2, c62);
            x = L.Create(a[7]);
            c70 = L.MultiplyAdd(x, b0, c70);
            c71 = L.MultiplyAdd(x, b1, c71);
            c72 = L.MultiplyAdd(x, b2, c72);
            a += 8;
            b += 3 * L.Count;
        }

        Add(c, c00, c01, c02);
        Add(c + cRow, c10, c11, c12);
        Add(c + 2 * cRow, c20, c21, c22);
        Add(c + 3 * cRow, c30, c31, c32);
        Add(c + 4 * cRow, c40, c41, c42);
        Add(c + 5 * cRow, c50, c51, c52);
        Add(c + 6 * cRow, c60, c61, c62);
        Add(c + 7 * cRow, c70, c71, c72);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Multiply6x2(int nK, float* a, float* b, float* c, int cRow)
    {
        V c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default;
        V c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        for (int k = 0; k < nK; k++)
        {
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

        Add(c, c00, c01);
        Add(c + cRow, c10, c11);
        Add(c + 2 * cRow, c20, c21);
        Add(c + 3 * cRow, c30, c31);
        Add(c + 4 * cRow, c40, c41);
        Add(c + 5 * cRow, c50, c51);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* c, V x0, V x1)
    {
        L.Store(L.Add(L.Load(c), x0), c);
        L.Store(L.Add(L.Load(c + L.Count), x1), c + L.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* c, V x0, V x1, V x2)
    {
        Add(c, x0, x1);
        L.Store(L.Add(L.Load(c + 2 * L.Count), x2), c + 2 * L.Count);
    }
}
