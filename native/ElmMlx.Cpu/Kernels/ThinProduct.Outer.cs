using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

// A short K: results are few sums each, and what counts is how they are written.
internal static unsafe partial class ThinProduct
{
    /// <summary>Rows of a task, and columns whose part of B stays in the first-level cache (K · 2 KB).</summary>
    private const int OuterRows = 16, OuterColumns = 512;

    private readonly struct OuterKernel : IThinKernel
    {
        public static void Run<L, V, F>(Arguments arguments)
            where L : struct, ISimd<V>
            where V : struct
            where F : struct, IFloatFormat
        {
            ref readonly MatMulArguments product = ref arguments.Product;
            arguments.RowA = product.K;
            arguments.RowB = product.N;
            arguments.PackedA = KernelScratch.Floats(KernelScratch.Use.Input, (long)product.M * product.K);
            arguments.PackedB = KernelScratch.Floats(KernelScratch.Use.PanelsB, (long)product.K * arguments.RowB);
            Pack(
                product.A, arguments.AType, product.ARow, product.AColumn, product.M, product.K, arguments.PackedA,
                arguments.RowA);
            Pack(
                product.B, arguments.BType, product.BRow, product.BColumn, product.K, product.N, arguments.PackedB,
                arguments.RowB);
            WorkerPool.Run((product.M + OuterRows - 1) / OuterRows, &OuterTask<L, V, F>, &arguments);
        }
    }

    private static void OuterTask<L, V, F>(void* context, int task)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref readonly Arguments arguments = ref *(Arguments*)context;
        int first = task * OuterRows, end = Math.Min(first + OuterRows, arguments.Product.M);
        for (int column = 0; column < arguments.Product.N; column += OuterColumns)
        {
            int endColumn = Math.Min(column + OuterColumns, arguments.Product.N);
            for (int row = first; row < end; row += Together)
            {
                int whole = endColumn - (endColumn - column) % (2 * L.Count);
                Outer<L, V, F>(arguments, row, end - 1, column, whole, L.Count);
                Outer<SimdScalar, float, F>(arguments, row, end - 1, whole, endColumn, 0);
            }
        }
    }

    /// <summary>
    /// Two vectors of four rows at a time. Rows beyond <paramref name="last"/> are the last one again; the second
    /// vector begins
    /// <paramref name="second"/> columns behind the first (0: it is the same).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Outer<L, V, F>(
        in Arguments arguments, int row, int last, int column, int endColumn, int second)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        int nK = arguments.Product.K, rowB = arguments.RowB, step = second + L.Count;
        long cRow = arguments.Product.CRow * F.Size;
        byte* c = (byte*)arguments.Product.C;
        int row1 = Math.Min(row + 1, last), row2 = Math.Min(row + 2, last), row3 = Math.Min(row + 3, last);
        float* a0 = arguments.PackedA + (long)row * nK, a1 = arguments.PackedA + (long)row1 * nK;
        float* a2 = arguments.PackedA + (long)row2 * nK, a3 = arguments.PackedA + (long)row3 * nK;
        byte* c0 = c + row * cRow, c1 = c + row1 * cRow, c2 = c + row2 * cRow, c3 = c + row3 * cRow;
        for (; column < endColumn; column += step)
        {
            V c00 = default, c01 = default, c10 = default, c11 = default;
            V c20 = default, c21 = default, c30 = default, c31 = default;
            float* b = arguments.PackedB + column;
            for (int k = 0; k < nK; k++, b += rowB)
            {
                V b0 = L.Load(b), b1 = L.Load(b + second), x = L.Create(a0[k]);
                c00 = L.MultiplyAdd(x, b0, c00);
                c01 = L.MultiplyAdd(x, b1, c01);
                x = L.Create(a1[k]);
                c10 = L.MultiplyAdd(x, b0, c10);
                c11 = L.MultiplyAdd(x, b1, c11);
                x = L.Create(a2[k]);
                c20 = L.MultiplyAdd(x, b0, c20);
                c21 = L.MultiplyAdd(x, b1, c21);
                x = L.Create(a3[k]);
                c30 = L.MultiplyAdd(x, b0, c30);
                c31 = L.MultiplyAdd(x, b1, c31);
            }

            F.Store<L, V>(c00, c0, column);
            F.Store<L, V>(c01, c0, column + second);
            F.Store<L, V>(c10, c1, column);
            F.Store<L, V>(c11, c1, column + second);
            F.Store<L, V>(c20, c2, column);
            F.Store<L, V>(c21, c2, column + second);
            F.Store<L, V>(c30, c3, column);
            F.Store<L, V>(c31, c3, column + second);
        }
    }
}
