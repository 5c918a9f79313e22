using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// The gradient of running log Σ eˣ and its transpose, along rows, in double precision. With y the results,
/// spread(i) = Σ g(j) · exp(x(i) − y(j)) over the results j that element i is part of, and gathered(j) = Σ g(i) ·
/// exp(x(i) − y(j)) over the elements i of result j. A sum goes on from one place to the next by a factor
/// exp(y(j) − y(j + 1)), which is at most 1: nothing overflows.
/// </summary>
internal static unsafe class LogScanKernels
{
    public static void Run(
        Node x, Node y, Node g, Node result, bool isReverse, bool isInclusive, bool isTransposed)
    {
        switch (x.Type)
        {
            case MLX_FLOAT16: Run<Half>(x, y, g, result, isReverse, isInclusive, isTransposed); break;
            case MLX_BFLOAT16: Run<BFloat16>(x, y, g, result, isReverse, isInclusive, isTransposed); break;
            case MLX_FLOAT32: Run<float>(x, y, g, result, isReverse, isInclusive, isTransposed); break;
            default: Run<double>(x, y, g, result, isReverse, isInclusive, isTransposed); break;
        }
    }

    private static void Run<T>(
        Node x, Node y, Node g, Node result, bool isReverse, bool isInclusive, bool isTransposed)
        where T : unmanaged
    {
        Rows xRows = new(x), yRows = new(y), gRows = new(g);
        T* xs = (T*)x.Data, ys = (T*)y.Data, gs = (T*)g.Data, results = (T*)result.Data;
        int n = xRows.Length;
        xRows.ForEach((first, end) =>
        {
            for (long row = first; row < end; row++)
            {
                var line = new Line<T>(
                    xs + xRows.Offset(row), xRows.Stride, ys + yRows.Offset(row), yRows.Stride,
                    gs + gRows.Offset(row), gRows.Stride, results + row * n, n, isReverse);
                if (isTransposed)
                    Gather(line, n, isInclusive);
                else
                    Spread(line, n, isInclusive);
            }
        });
    }

    private static void Spread<T>(in Line<T> line, int n, bool isInclusive)
        where T : unmanaged
    {
        double sum = 0;         // Σ g(j) · exp(y(k) − y(j)) over the results j from k on
        for (int k = n - 1; k >= 0; k--)
        {
            double later = k + 1 < n ? line.Y(k + 1) : double.NaN;
            double next = k + 1 < n ? Weight(line.Y(k), later) * sum : 0;
            if (!isInclusive)
                line.Set(k, k + 1 < n ? Weight(line.X(k), later) * sum : 0);
            sum = line.G(k) + next;
            if (isInclusive)
                line.Set(k, Weight(line.X(k), line.Y(k)) * sum);
        }
    }

    private static void Gather<T>(in Line<T> line, int n, bool isInclusive)
        where T : unmanaged
    {
        double sum = 0;         // Σ g(i) · exp(x(i) − y(k)) over the elements i of result k
        for (int k = 0; k < n; k++)
        {
            if (k > 0)
                sum *= Weight(line.Y(k - 1), line.Y(k));
            int newest = isInclusive ? k : k - 1;
            if (newest >= 0)
                sum += line.G(newest) * Weight(line.X(newest), line.Y(k));
            line.Set(k, sum);
        }
    }

    // What is −∞ has no part in any sum, not even in one of nothing.
    private static double Weight(double part, double whole) =>
        double.IsNegativeInfinity(part) ? 0 : Math.Exp(part - whole);

    /// <summary>One row in the order of the scan.</summary>
    private readonly struct Line<T>(
        T* x, long xStride, T* y, long yStride, T* g, long gStride, T* result, int n, bool isReverse)
        where T : unmanaged
    {
        private readonly T* _x = x, _y = y, _g = g, _result = result;

        public double X(int k) => CastKernels.Convert<T, double>(_x[Place(k) * xStride]);

        public double Y(int k) => CastKernels.Convert<T, double>(_y[Place(k) * yStride]);

        public double G(int k) => CastKernels.Convert<T, double>(_g[Place(k) * gStride]);

        public void Set(int k, double value) => _result[Place(k)] = CastKernels.Convert<double, T>(value);

        private int Place(int k) => isReverse ? n - 1 - k : k;
    }
}
