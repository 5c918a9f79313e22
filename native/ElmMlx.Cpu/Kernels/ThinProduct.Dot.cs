using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ElmMlx.Cpu.Kernels;

// A short N: dot products of A's rows, read where they lie, with a few columns of B, which stay in the cache.
internal static unsafe partial class ThinProduct
{
    /// <summary>Rows of A that a task multiplies.</summary>
    private const int DotRows = 16;

    private readonly struct DotKernel : IThinKernel
    {
        public static void Run<L, V, F>(Arguments arguments)
            where L : struct, ISimd<V>
            where V : struct
            where F : struct, IFloatFormat
        {
            ref readonly MatMulArguments product = ref arguments.Product;
            int nColumns = RoundUp(product.N, Together);
            arguments.RowB = RoundUp(product.K, L.Count);
            arguments.PackedB = KernelScratch.Floats(KernelScratch.Use.Input, (long)nColumns * arguments.RowB);
            Pack(
                product.B, arguments.BType, product.BColumn, product.BRow, product.N, product.K, arguments.PackedB,
                arguments.RowB);
            new Span<float>(
                arguments.PackedB + (long)product.N * arguments.RowB, (nColumns - product.N) * arguments.RowB).Clear();
            WorkerPool.Run((product.M + DotRows - 1) / DotRows, &DotTask<L, V, F>, &arguments);
        }
    }

    private static void DotTask<L, V, F>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref readonly Arguments arguments = ref *(Arguments*)context;
        int first = task * DotRows, end = Math.Min(first + DotRows, arguments.Product.M);
        for (int row = first; row < end; row += 2)
        {
            for (int column = 0; column < arguments.Product.N; column += Together)
                Pair<L, V, F>(arguments, row, Math.Min(row + 1, end - 1), column);
        }
    }

    /// <summary>Two rows by four columns.</summary>
    private static void Pair<L, V, F>(in Arguments arguments, int row0, int row1, int column)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        int nK = arguments.Product.K, nWhole = nK / L.Count * L.Count;
        void* a0 = (byte*)arguments.Product.A + row0 * arguments.Product.ARow * F.Size;
        void* a1 = (byte*)arguments.Product.A + row1 * arguments.Product.ARow * F.Size;
        float* b = arguments.PackedB + (long)column * arguments.RowB;
        float* sums = stackalloc float[2 * Together], ends = stackalloc float[2 * L.Count];
        new Span<float>(sums, 2 * Together).Clear();
        Dot<L, V, F>(nWhole, a0, a1, 2 * arguments.Product.ARow * F.Size, b, arguments.RowB, sums);
        if (nWhole < nK)
        {
            new Span<float>(ends, 2 * L.Count).Clear();
            MatVecKernels.Widen<SimdScalar, float, F>(a0, nWhole, 1, nK - nWhole, ends);
            MatVecKernels.Widen<SimdScalar, float, F>(a1, nWhole, 1, nK - nWhole, ends + L.Count);
            Dot<L, V, Float32Format>(L.Count, ends, ends + L.Count, 0, b + nWhole, arguments.RowB, sums);
        }

        int nColumns = Math.Min(Together, arguments.Product.N - column);
        Store(arguments.Product, row0, column, nColumns, sums);
        Store(arguments.Product, row1, column, nColumns, sums + Together);
    }

    /// <summary>
    /// Adds the products of two rows with four columns to eight sums: whole vectors. The next rows, <paramref
    /// name="ahead"/> bytes behind these, are asked for.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Dot<L, V, F>(int nK, void* a0, void* a1, long ahead, float* b0, int bRow, float* sums)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        float* b1 = b0 + bRow, b2 = b1 + bRow, b3 = b2 + bRow;
        V c00 = default, c01 = default, c02 = default, c03 = default;
        V c10 = default, c11 = default, c12 = default, c13 = default;
        for (int k = 0; k < nK; k += L.Count)
        {
            Prefetch((byte*)a0 + ahead + k * F.Size);
            Prefetch((byte*)a1 + ahead + k * F.Size);
            V x = F.Load<L, V>(a0, k), y = F.Load<L, V>(a1, k), b = L.Load(b0 + k);
            c00 = L.MultiplyAdd(x, b, c00);
            c10 = L.MultiplyAdd(y, b, c10);
            b = L.Load(b1 + k);
            c01 = L.MultiplyAdd(x, b, c01);
            c11 = L.MultiplyAdd(y, b, c11);
            b = L.Load(b2 + k);
            c02 = L.MultiplyAdd(x, b, c02);
            c12 = L.MultiplyAdd(y, b, c12);
            b = L.Load(b3 + k);
            c03 = L.MultiplyAdd(x, b, c03);
            c13 = L.MultiplyAdd(y, b, c13);
        }

        (Vector128.Load(sums) + L.Sums(c00, c01, c02, c03)).Store(sums);
        (Vector128.Load(sums + Together) + L.Sums(c10, c11, c12, c13)).Store(sums + Together);
    }
}
