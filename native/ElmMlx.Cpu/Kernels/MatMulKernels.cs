using System.Runtime.CompilerServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Matrix products. float32, float16 and bfloat16 accumulate in float32: a few rows at a time read the weights straight
/// from memory (<see cref="MatVecKernels"/>), more rows go through packed panels (<see cref="PackedProduct"/>).
/// </summary>
internal static unsafe class MatMulKernels
{
    /// <summary>
    /// Up to so many rows, a B that lies column by column (weights, transposed) is faster read where it lies than packed; one that
    /// lies row by row is read again for every row, and up to fewer.
    /// </summary>
    private const int FewRows = 48, FewSummedRows = 12;

    public static void Run(in MatMulArguments arguments)
    {
        if (arguments.M == 0 || arguments.N == 0)
            return;
        MatMulArguments a = arguments;
        if (a.N <= FewRows && a.M > a.N)
            a = a.Transposed();
        switch (a.Type)
        {
            case mlx_dtype.MLX_FLOAT32:
                Simd.Run<Kernel<Float32Format>, MatMulArguments>(a);
                break;
            case mlx_dtype.MLX_BFLOAT16:
                Simd.Run<Kernel<BFloat16Format>, MatMulArguments>(a);
                break;
            case mlx_dtype.MLX_FLOAT16:
                Simd.Run<Kernel<Float16Format>, MatMulArguments>(a);
                break;
            case mlx_dtype.MLX_FLOAT64:
                WideMatMulKernels.RunFloat64(a);
                break;
            case mlx_dtype.MLX_COMPLEX64:
                WideMatMulKernels.RunComplex64(a);
                break;
            default:
                throw new ArgumentException($"[matmul] dtype {(int)a.Type} cannot be multiplied.");
        }
    }

    /// <summary>The naive twin: three loops, one element at a time.</summary>
    public static void RunNaive(in MatMulArguments arguments)
    {
        switch (arguments.Type)
        {
            case mlx_dtype.MLX_FLOAT32:
                RunNaive<Float32Format>(arguments);
                break;
            case mlx_dtype.MLX_BFLOAT16:
                RunNaive<BFloat16Format>(arguments);
                break;
            default:
                RunNaive<Float16Format>(arguments);
                break;
        }
    }

    private static void RunNaive<F>(in MatMulArguments a)
        where F : struct, IFloatFormat
    {
        for (int m = 0; m < a.M; m++)
        {
            for (int n = 0; n < a.N; n++)
            {
                double sum = 0;
                for (int k = 0; k < a.K; k++)
                {
                    sum += (double)F.Load<SimdScalar, float>(a.A, m * a.ARow + k * a.AColumn)
                        * F.Load<SimdScalar, float>(a.B, k * a.BRow + n * a.BColumn);
                }

                sum *= a.Alpha;
                if (a.Beta != 0)
                    sum += a.Beta * F.Load<SimdScalar, float>(a.Addend, m * a.AddendRow + n * a.AddendColumn);
                F.Store<SimdScalar, float>((float)sum, a.C, m * a.CRow + n * a.CColumn);
            }
        }
    }

    private readonly struct Kernel<F> : ISimdKernel<MatMulArguments>
        where F : struct, IFloatFormat
    {
        public static void Run<L, V>(in MatMulArguments arguments)
            where L : struct, ISimd<V>
            where V : struct
        {
            MatMulArguments a = arguments;
            int limit = a.BRow == 1 || a.K <= 1 ? FewRows : a.BColumn == 1 ? FewSummedRows : 0;
            if (a.M <= limit)
            {
                MatVecKernels.Run<L, V, F>(&a, &Store<L, V, F>);
                return;
            }

            var product = new PackedProduct
            {
                M = a.M,
                N = a.N,
                K = a.K,
                Context = &a,
                PackA = &PackA<L, V, F>,
                PackB = &PackB<L, V, F>,
                Store = &Store<L, V, F>,
            };
            product.Run<L, V>();
        }
    }

    private static void PackA<L, V, F>(void* context, int row, int nRows, int k, int nK, float* to)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref MatMulArguments a = ref *(MatMulArguments*)context;
        byte* from = (byte*)a.A + (row * a.ARow + k * a.AColumn) * F.Size;
        PackedPanels.Pack<L, V, F>(from, a.ARow, a.AColumn, nRows, nK, Tile<L, V>.Rows, to);
    }

    private static void PackB<L, V, F>(void* context, int column, int nColumns, int k, int nK, float* to)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref MatMulArguments a = ref *(MatMulArguments*)context;
        byte* from = (byte*)a.B + (k * a.BRow + column * a.BColumn) * F.Size;
        PackedPanels.Pack<L, V, F>(from, a.BColumn, a.BRow, nColumns, nK, Tile<L, V>.Columns, to);
    }

    /// <summary>Scales, adds and rounds part of a row of the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store<L, V, F>(void* context, int row, int column, int nColumns, float* values)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        ref MatMulArguments a = ref *(MatMulArguments*)context;
        if (a.Alpha != 1 || a.Beta != 0)
        {
            long addend = row * a.AddendRow + column * a.AddendColumn;
            for (int j = 0; j < nColumns; j++)
            {
                float value = a.Alpha * values[j];
                if (a.Beta != 0)
                    value += a.Beta * F.Load<SimdScalar, float>(a.Addend, addend + j * a.AddendColumn);
                values[j] = value;
            }
        }

        byte* to = (byte*)a.C + (row * a.CRow + column * a.CColumn) * F.Size;
        int i = 0;
        if (a.CColumn == 1)
        {
            for (; i <= nColumns - L.Count; i += L.Count)
                F.Store<L, V>(L.Load(values + i), to, i);
        }

        for (; i < nColumns; i++)
            F.Store<SimdScalar, float>(values[i], to, i * a.CColumn);
    }
}
