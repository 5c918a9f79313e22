using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>g · exp(x − y) for rows of x, the gradient of log Σ exp(x) = y: in one pass, float32 or float64.</summary>
internal static unsafe class LogSumExpGradientKernels
{
    /// <summary>Elements of a task.</summary>
    private const int TaskSize = 1 << 14;

    /// <summary>
    /// Rows of <paramref name="width"/> elements side by side that start at <paramref name="rows"/>; y and g have one
    /// number a row, the result is row-contiguous and may be x.
    /// </summary>
    public static void Run(float* x, RowOffsets rows, int width, float* y, float* g, float* result)
    {
        if (VectorWidth.Has512)
            Run<Simd512, System.Runtime.Intrinsics.Vector512<float>>(x, rows, width, y, g, result);
        else if (VectorWidth.Has256)
            Run<Simd256, System.Runtime.Intrinsics.Vector256<float>>(x, rows, width, y, g, result);
        else if (VectorWidth.Has128)
            Run<Simd128, System.Runtime.Intrinsics.Vector128<float>>(x, rows, width, y, g, result);
        else
            Run<SimdScalar, float>(x, rows, width, y, g, result);
    }

    /// <summary>The same in float64.</summary>
    public static void Run(double* x, RowOffsets rows, int width, double* y, double* g, double* result)
    {
        for (long row = 0; row < rows.Count; row++)
        {
            double* from = x + rows[row], to = result + row * width;
            for (int i = 0; i < width; i++)
                to[i] = g[row] * Math.Exp(from[i] - y[row]);
        }
    }

    private static void Run<L, V>(float* x, RowOffsets rows, int width, float* y, float* g, float* result)
        where L : struct, ISimd<V>
        where V : struct
    {
        int rowsPerTask = Math.Max(1, TaskSize / Math.Max(1, width));
        WorkerPool.Run((int)((rows.Count + rowsPerTask - 1) / rowsPerTask), task =>
        {
            long first = (long)task * rowsPerTask, end = Math.Min(first + rowsPerTask, rows.Count);
            for (long row = first; row < end; row++)
                Row<L, V>(x + rows[row], width, y[row], g[row], result + row * width);
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row<L, V>(float* x, int n, float y, float g, float* result)
        where L : struct, ISimd<V>
        where V : struct
    {
        V subtrahend = L.Create(y), factor = L.Create(g);
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
            L.Store(L.Multiply(factor, L.Exp(L.Subtract(L.Load(x + i), subtrahend))), result + i);
        for (; i < n; i++)
            result[i] = g * MathF.Exp(x[i] - y);
    }
}
