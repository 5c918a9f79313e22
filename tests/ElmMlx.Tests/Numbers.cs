using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>
/// Random tensors, and tensors of given numbers, for comparisons of an operation with its naive twin.
/// </summary>
internal static class Numbers
{
    /// <summary>Numbers around 0, rounded to the dtype; complex ones in both parts.</summary>
    public static GoldenTensor Random(Random random, mlx_dtype type, params int[] shape)
    {
        int count = Count(shape) * (type == MLX_COMPLEX64 ? 2 : 1);
        return Of(type, shape, [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() * 2 - 1)]);
    }

    /// <summary>A tensor of these numbers; pairs of them for complex64.</summary>
    public static GoldenTensor Of(mlx_dtype type, int[] shape, double[] values) => new(type, shape, type switch
    {
        MLX_FLOAT64 => Bytes<double>(values),
        MLX_FLOAT16 => Bytes<Half>([.. values.Select(x => (Half)x)]),
        MLX_BFLOAT16 => Bytes<ushort>(
            [.. values.Select(x => (ushort)(BitConverter.SingleToUInt32Bits((float)x) >> 16))]),
        MLX_INT32 => Bytes<int>([.. values.Select(x => (int)x)]),
        _ => Bytes<float>([.. values.Select(x => (float)x)]),
    });

    /// <summary>Σ x·y.</summary>
    public static double Dot(double[] x, double[] y) => x.Zip(y, (a, b) => a * b).Sum();

    /// <summary>The largest |x − y|.</summary>
    public static double Distance(double[] x, double[] y) =>
        x.Zip(y, (a, b) => Math.Abs(a - b)).DefaultIfEmpty(0).Max();

    /// <summary>a [m, k] times b [k, n], of pairs of real and imaginary parts.</summary>
    public static double[] ComplexProduct(double[] a, double[] b, int m, int k, int n)
    {
        var c = new double[2 * m * n];
        for (int i = 0; i < m * n * k; i++)
        {
            int row = i / (n * k), column = i / k % n, inner = i % k;
            int x = 2 * (row * k + inner), y = 2 * (inner * n + column), to = 2 * (row * n + column);
            c[to] += a[x] * b[y] - a[x + 1] * b[y + 1];
            c[to + 1] += a[x] * b[y + 1] + a[x + 1] * b[y];
        }

        return c;
    }

    /// <summary>The numbers as pairs of real and imaginary parts.</summary>
    public static double[] Pairs(GoldenTensor tensor)
    {
        double[] values = tensor.Doubles();
        return tensor.Type == MLX_COMPLEX64 ? values : [.. values.SelectMany(x => (double[])[x, 0])];
    }

    public static int Count(int[] shape) => shape.Aggregate(1, (count, length) => count * length);

    private static byte[] Bytes<T>(T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes<T>(values).ToArray();
}
