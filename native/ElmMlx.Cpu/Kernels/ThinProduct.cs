using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Matrix products with one short side of three, as low-rank adapters and their gradients have: [M, K] × [K, N] where
/// K, N or M is at most <see cref="Short"/>. A and B may each be float16, bfloat16 or float32: what is narrow is
/// widened as it is read, which saves a cast of the long one. The short one is packed in float32; the long one, or the
/// result, is walked once, where it lies.
/// </summary>
/// <remarks>
/// A short K sums over registers (<see cref="Outer"/>), a short N takes dot products of rows (<see cref="Dot"/>), a
/// short M sums rows (<see cref="Sum"/>). Rank 8, 512 rows, 1280 or 10240 long, two cores of AVX-512 (peak 430
/// GFLOP/s): 100 to 250 GFLOP/s; the writing of a result bounds a short K.
/// </remarks>
internal static unsafe partial class ThinProduct
{
    /// <summary>The most that the short side may be, and the least that the others must be.</summary>
    private const int Short = 16, Long = 32;

    /// <summary>Rows that <see cref="Outer"/> and <see cref="Dot"/> compute together.</summary>
    private const int Together = 4;

    /// <summary>Whether a product of this shape has one short side; any other goes faster in another way.</summary>
    public static bool IsThin(long m, long n, long k) =>
        k <= Short ? k > 0 && m >= Long && n >= Long
        : k >= Long && (n <= Short ? n > 0 && m >= Long : m is > 1 and <= Short && n >= Long);

    /// <summary>The same of a, whose matrices are the rows of one, and one matrix b.</summary>
    public static bool IsThin(Node a, Node b) =>
        b.Rank == 2 && a.Size > 0 && IsThin(a.Size / a.Shape[^1], b.Shape[1], a.Shape[^1]);

    /// <summary>Whether operands of this dtype can be multiplied here.</summary>
    public static bool Reads(mlx_dtype type) => type is MLX_FLOAT32 or MLX_BFLOAT16 or MLX_FLOAT16;

    /// <summary>
    /// A plain thin product, where the long operand's rows (for a short M or N) lie in one piece; else false.
    /// </summary>
    /// <param name="product">A and B have dtypes of their own; <c>Type</c> is the result's.</param>
    /// <param name="aType">A's dtype.</param>
    /// <param name="bType">B's dtype.</param>
    public static bool TryRun(MatMulArguments product, mlx_dtype aType, mlx_dtype bType)
    {
        if (!IsThin(product.M, product.N, product.K) || !Reads(product.Type) || !Reads(aType) || !Reads(bType)
            || product.Alpha != 1 || product.Beta != 0)
            return false;
        var arguments = new Arguments { Product = product, AType = aType, BType = bType };
        if (product.K <= Short)
            return product.CColumn == 1 && Run<OuterKernel>(arguments, product.Type);
        if (product.N <= Short && product.AColumn == 1)
            return Run<DotKernel>(arguments, aType);
        if (product.N <= Short)
            arguments = new Arguments { Product = product.Transposed(), AType = bType, BType = aType };
        return arguments.Product.BColumn == 1 && Run<SumKernel>(arguments, arguments.BType);
    }

    private static bool Run<TKernel>(Arguments arguments, mlx_dtype longType)
        where TKernel : struct, IThinKernel
    {
        if (longType == MLX_BFLOAT16)
            Simd.Run<Typed<TKernel, BFloat16Format>, Arguments>(arguments);
        else if (longType == MLX_FLOAT16)
            Simd.Run<Typed<TKernel, Float16Format>, Arguments>(arguments);
        else
            Simd.Run<Typed<TKernel, Float32Format>, Arguments>(arguments);
        return true;
    }

    /// <summary>
    /// Copies a strided matrix into float32 rows of <paramref name="toRow"/> floats; the columns beyond the matrix
    /// become 0.
    /// </summary>
    private static void Pack(
        void* from, mlx_dtype type, long row, long column, int nRows, int nColumns, float* to, int toRow)
    {
        for (int i = 0; i < nRows; i++)
        {
            float* line = to + (long)i * toRow;
            void* start = (byte*)from + i * row * type.Size();
            if (column == 1 && nColumns > Short)
                CastKernels.Run(start, type, line, MLX_FLOAT32, nColumns);
            else
                PackStrided(start, type, column, nColumns, line);
            new Span<float>(line + nColumns, toRow - nColumns).Clear();
        }
    }

    private static void PackStrided(void* from, mlx_dtype type, long step, int count, float* to)
    {
        if (type == MLX_FLOAT32)
            Tiles.Gather((float*)from, step, to, count);
        else if (type == MLX_BFLOAT16)
            MatVecKernels.Widen<SimdScalar, float, BFloat16Format>(from, 0, step, count, to);
        else
            MatVecKernels.Widen<SimdScalar, float, Float16Format>(from, 0, step, count, to);
    }

    /// <summary>Rounds a few results into C.</summary>
    private static void Store(in MatMulArguments product, int row, int column, int nColumns, float* values)
    {
        long at = row * product.CRow + column * product.CColumn;
        for (int j = 0; j < nColumns; j++, at += product.CColumn)
        {
            if (product.Type == MLX_FLOAT32)
                ((float*)product.C)[at] = values[j];
            else if (product.Type == MLX_BFLOAT16)
                SimdScalar.StoreBFloat16(values[j], (ushort*)product.C + at);
            else
                SimdScalar.StoreFloat16(values[j], (ushort*)product.C + at);
        }
    }

    /// <summary>Asks for memory that is needed soon; no address is wrong.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(void* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }

    private static int RoundUp(int count, int step) => (count + step - 1) / step * step;

    /// <summary>The product, and the short operand packed (for a short K both are).</summary>
    private struct Arguments
    {
        public MatMulArguments Product;
        public mlx_dtype AType, BType;
        public float* PackedA, PackedB;
        public int RowA, RowB;      // floats from row to row of what is packed
    }

    private interface IThinKernel
    {
        /// <typeparam name="L">The width.</typeparam>
        /// <typeparam name="V">Its vector.</typeparam>
        /// <typeparam name="F">Of the long operand; for a short K of the result.</typeparam>
        static abstract void Run<L, V, F>(Arguments arguments)
            where L : struct, ISimd<V>
            where V : struct
            where F : struct, IFloatFormat;
    }

    private readonly struct Typed<TKernel, F> : ISimdKernel<Arguments>
        where TKernel : struct, IThinKernel
        where F : struct, IFloatFormat
    {
        public static void Run<L, V>(in Arguments arguments)
            where L : struct, ISimd<V>
            where V : struct => TKernel.Run<L, V, F>(arguments);
    }
}
