using System.Buffers;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu.Kernels;

/// <summary>softmax and logsumexp of rows. Half precision is computed in float32 and rounded once.</summary>
internal static unsafe class SoftmaxKernels
{
    /// <summary>exp(x − max) / Σ exp(x − max) of each row.</summary>
    public static void Softmax(Node x, Node y)
    {
        switch (x.Type)
        {
            case MLX_FLOAT16: SoftmaxHalf<Half>(x, y); break;
            case MLX_BFLOAT16: SoftmaxHalf<BFloat16>(x, y); break;
            case MLX_FLOAT32: SoftmaxSingle(x, y); break;
            case MLX_FLOAT64: SoftmaxDouble(x, y); break;
            default: throw new ArgumentException($"[softmax] Not supported for {x.Type.Name()}.");
        }
    }

    /// <summary>max + log Σ exp(x − max) of each row.</summary>
    public static void LogSumExp(Node x, Node y)
    {
        switch (x.Type)
        {
            case MLX_FLOAT16: LogSumExpHalf<Half>(x, y); break;
            case MLX_BFLOAT16: LogSumExpHalf<BFloat16>(x, y); break;
            case MLX_FLOAT32: LogSumExpSingle(x, y); break;
            case MLX_FLOAT64: LogSumExpDouble(x, y); break;
            default: throw new ArgumentException($"[logsumexp] Not supported for {x.Type.Name()}.");
        }
    }

    /// <summary>One row of float32; <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public static void SoftmaxRow(float* x, float* y, int n)
    {
        float max = RowMax(x, n);
        float sum = SoftmaxDriver.ExpAndSum(x, y, n, max);
        float inverse = 1 / sum;
        BinaryDriver<NumberBinaryOf<MultiplyFormula, float>, float>.Run(y, 1, &inverse, 0, y, n);
    }

    private static float RowMax(float* x, int n) =>
        FoldDriver<NumberBinaryOf<MaximumFormula, float>, float>.Run(x, n, float.NegativeInfinity);

    // y receives the exponentials.
    private static float LogSumExpRow(float* x, float* y, int n)
    {
        float max = RowMax(x, n);
        return float.IsInfinity(max) ? max : max + MathF.Log(SoftmaxDriver.ExpAndSum(x, y, n, max));
    }

    private static void SoftmaxSingle(Node x, Node y)
    {
        var rows = new Rows(x);
        float* from = (float*)x.Data, to = (float*)y.Data;
        rows.ForEach((first, end) =>
        {
            for (long row = first; row < end; row++)
            {
                float* source = from + rows.Offset(row), target = to + row * rows.Length;
                if (rows.Stride != 1)
                {
                    Tiles.Gather(source, rows.Stride, target, rows.Length);
                    source = target;
                }

                SoftmaxRow(source, target, rows.Length);
            }
        });
    }

    private static void SoftmaxHalf<T>(Node x, Node y)
        where T : unmanaged
    {
        var rows = new Rows(x);
        T* from = (T*)x.Data, to = (T*)y.Data;
        rows.ForEach((first, end) =>
        {
            float[] rented = ArrayPool<float>.Shared.Rent(rows.Length);
            fixed (float* wide = rented)
            {
                for (long row = first; row < end; row++)
                {
                    Widen(from + rows.Offset(row), rows.Stride, wide, rows.Length);
                    SoftmaxRow(wide, wide, rows.Length);
                    Tiles.Narrow(wide, to + row * rows.Length, rows.Length);
                }
            }

            ArrayPool<float>.Shared.Return(rented);
        });
    }

    private static void SoftmaxDouble(Node x, Node y)
    {
        var rows = new Rows(x);
        double* from = (double*)x.Data, to = (double*)y.Data;
        rows.ForEach((first, end) =>
        {
            for (long row = first; row < end; row++)
            {
                double* source = from + rows.Offset(row), target = to + row * rows.Length;
                double max = double.NegativeInfinity, sum = 0;
                for (int i = 0; i < rows.Length; i++)
                    max = Math.Max(max, source[i * rows.Stride]);
                for (int i = 0; i < rows.Length; i++)
                    sum += target[i] = Math.Exp(source[i * rows.Stride] - max);
                for (int i = 0; i < rows.Length; i++)
                    target[i] /= sum;
            }
        });
    }

    private static void LogSumExpSingle(Node x, Node y)
    {
        var rows = new Rows(x);
        float* from = (float*)x.Data, to = (float*)y.Data;
        rows.ForEach((first, end) =>
        {
            float[] rented = ArrayPool<float>.Shared.Rent(rows.Length);
            fixed (float* row1 = rented)
            {
                for (long row = first; row < end; row++)
                {
                    float* source = from + rows.Offset(row);
                    if (rows.Stride != 1)
                    {
                        Tiles.Gather(source, rows.Stride, row1, rows.Length);
                        source = row1;
                    }

                    to[row] = LogSumExpRow(source, row1, rows.Length);
                }
            }

            ArrayPool<float>.Shared.Return(rented);
        });
    }

    private static void LogSumExpHalf<T>(Node x, Node y)
        where T : unmanaged
    {
        var rows = new Rows(x);
        T* from = (T*)x.Data, to = (T*)y.Data;
        rows.ForEach((first, end) =>
        {
            float[] rented = ArrayPool<float>.Shared.Rent(rows.Length);
            fixed (float* wide = rented)
            {
                for (long row = first; row < end; row++)
                {
                    Widen(from + rows.Offset(row), rows.Stride, wide, rows.Length);
                    float result = LogSumExpRow(wide, wide, rows.Length);
                    Tiles.Narrow(&result, to + row, 1);
                }
            }

            ArrayPool<float>.Shared.Return(rented);
        });
    }

    private static void LogSumExpDouble(Node x, Node y)
    {
        var rows = new Rows(x);
        double* from = (double*)x.Data, to = (double*)y.Data;
        rows.ForEach((first, end) =>
        {
            for (long row = first; row < end; row++)
            {
                double* source = from + rows.Offset(row);
                double max = double.NegativeInfinity, sum = 0;
                for (int i = 0; i < rows.Length; i++)
                    max = Math.Max(max, source[i * rows.Stride]);
                for (int i = 0; i < rows.Length; i++)
                    sum += Math.Exp(source[i * rows.Stride] - max);
                to[row] = double.IsInfinity(max) ? max : max + Math.Log(sum);
            }
        });
    }

    private static void Widen<T>(T* from, long stride, float* to, int n)
        where T : unmanaged
    {
        for (int at = 0; at < n; at += Tiles.Length)
            Tiles.Widen(from + at * stride, stride, to + at, Math.Min(Tiles.Length, n - at));
        if (stride == 0)
            new Span<float>(to, n).Fill(*to);
    }
}
