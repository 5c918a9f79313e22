using System.Numerics;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Index of the first largest or smallest element of each row. A NaN is only ever found in front.
/// </summary>
internal static unsafe class ArgReduceKernels
{
    public static void Run(Node x, Node y, bool isMax)
    {
        switch (x.Type)
        {
            case MLX_BOOL or MLX_UINT8: Run<byte>(x, y, isMax); break;
            case MLX_UINT16: Run<ushort>(x, y, isMax); break;
            case MLX_UINT32: Run<uint>(x, y, isMax); break;
            case MLX_UINT64: Run<ulong>(x, y, isMax); break;
            case MLX_INT8: Run<sbyte>(x, y, isMax); break;
            case MLX_INT16: Run<short>(x, y, isMax); break;
            case MLX_INT32: Run<int>(x, y, isMax); break;
            case MLX_INT64: Run<long>(x, y, isMax); break;
            case MLX_FLOAT16: RunHalf<Half>(x, y, isMax); break;
            case MLX_BFLOAT16: RunHalf<BFloat16>(x, y, isMax); break;
            case MLX_FLOAT32: Run<float>(x, y, isMax); break;
            case MLX_FLOAT64: Run<double>(x, y, isMax); break;
            default: RunComplex(x, y, isMax); break;
        }
    }

    private static void Run<T>(Node x, Node y, bool isMax)
        where T : unmanaged, INumber<T>
    {
        var rows = new Rows(x);
        var from = (T*)x.Data;
        var to = (uint*)y.Data;
        rows.ForEach((first, end) =>
        {
            for (long row = first; row < end; row++)
            {
                T* start = from + rows.Offset(row);
                to[row] = isMax ? Max(start, rows.Stride, rows.Length) : Min(start, rows.Stride, rows.Length);
            }
        });
    }

    private static void RunHalf<T>(Node x, Node y, bool isMax)
        where T : unmanaged
    {
        var rows = new Rows(x);
        var from = (T*)x.Data;
        var to = (uint*)y.Data;
        rows.ForEach((first, end) =>
        {
            float* tile = stackalloc float[Tiles.Length];
            for (long row = first; row < end; row++)
            {
                T* start = from + rows.Offset(row);
                float best = 0;
                for (int at = 0; at < rows.Length; at += Tiles.Length)
                {
                    int n = Math.Min(Tiles.Length, rows.Length - at);
                    Tiles.Widen(start + at * rows.Stride, rows.Stride, tile, n);
                    uint index = isMax ? Max(tile, 1, n) : Min(tile, 1, n);
                    // The first tile's own start may be NaN, which nothing beats; a later tile's may not win by it.
                    if (at > 0 && float.IsNaN(tile[0]))
                        index = BestNumber(tile, n, isMax);
                    if (at != 0 && !(isMax ? tile[index] > best : tile[index] < best))
                        continue;
                    best = tile[index];
                    to[row] = (uint)at + index;
                }
            }
        });
    }

    private static void RunComplex(Node x, Node y, bool isMax)
    {
        var rows = new Rows(x);
        var from = (Complex64*)x.Data;
        var to = (uint*)y.Data;
        rows.ForEach((first, end) =>
        {
            for (long row = first; row < end; row++)
            {
                Complex64* start = from + rows.Offset(row);
                int best = 0;
                for (int i = 1; i < rows.Length; i++)
                {
                    Complex64 other = start[i * rows.Stride], champion = start[best * rows.Stride];
                    if (isMax ? other > champion : other < champion)
                        best = i;
                }

                to[row] = (uint)best;
            }
        });
    }

    private static uint Max<T>(T* x, long stride, int n)
        where T : unmanaged, INumber<T>
    {
        int best = 0;
        T value = *x;
        for (int i = 1; i < n; i++)
        {
            T other = x[i * stride];
            if (other > value)
                (best, value) = (i, other);
        }

        return (uint)best;
    }

    private static uint Min<T>(T* x, long stride, int n)
        where T : unmanaged, INumber<T>
    {
        int best = 0;
        T value = *x;
        for (int i = 1; i < n; i++)
        {
            T other = x[i * stride];
            if (other < value)
                (best, value) = (i, other);
        }

        return (uint)best;
    }

    private static uint BestNumber(float* x, int n, bool isMax)
    {
        int first = 0;
        while (first < n - 1 && float.IsNaN(x[first]))
            first++;
        return (uint)first + (isMax ? Max(x + first, 1, n - first) : Min(x + first, 1, n - first));
    }
}
