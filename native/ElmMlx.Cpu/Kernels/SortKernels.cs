using System.Buffers;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Sorting rows: stable, by bytes from the lowest to the highest, so that time does not depend on the order
/// found.
/// </summary>
internal static unsafe class SortKernels
{
    private const int Short = 48;       // elements up to which insertion is faster

    /// <summary>Sorted elements (<paramref name="y"/> has x's dtype) or, in uint32, where they stood.</summary>
    public static void Run(Node x, Node y, bool isArgSort)
    {
        switch (x.Type)
        {
            case MLX_BOOL or MLX_UINT8: Run<byte>(x, y, isArgSort); break;
            case MLX_UINT16: Run<ushort>(x, y, isArgSort); break;
            case MLX_UINT32: Run<uint>(x, y, isArgSort); break;
            case MLX_UINT64: Run<ulong>(x, y, isArgSort); break;
            case MLX_INT8: Run<sbyte>(x, y, isArgSort); break;
            case MLX_INT16: Run<short>(x, y, isArgSort); break;
            case MLX_INT32: Run<int>(x, y, isArgSort); break;
            case MLX_INT64: Run<long>(x, y, isArgSort); break;
            case MLX_FLOAT16: Run<Half>(x, y, isArgSort); break;
            case MLX_BFLOAT16: Run<BFloat16>(x, y, isArgSort); break;
            case MLX_FLOAT32: Run<float>(x, y, isArgSort); break;
            case MLX_FLOAT64: Run<double>(x, y, isArgSort); break;
            default: Run<Complex64>(x, y, isArgSort); break;
        }
    }

    private static void Run<T>(Node x, Node y, bool isArgSort)
        where T : unmanaged
    {
        var rows = new Rows(x);
        var from = (T*)x.Data;
        void* to = y.Data;
        int n = rows.Length;
        rows.ForEach((first, end) =>
        {
            ulong[] keys = ArrayPool<ulong>.Shared.Rent(2 * n);
            uint[] indices = ArrayPool<uint>.Shared.Rent(2 * n);
            fixed (ulong* key = keys)
            fixed (uint* index = indices)
            {
                for (long row = first; row < end; row++)
                {
                    T* source = from + rows.Offset(row);
                    for (int i = 0; i < n; i++)
                    {
                        key[i] = SortKeys.Of(source[i * rows.Stride]);
                        index[i] = (uint)i;
                    }

                    uint* order = Sort(key, index, n, sizeof(T));
                    if (isArgSort)
                    {
                        new Span<uint>(order, n).CopyTo(new Span<uint>((uint*)to + row * n, n));
                        continue;
                    }

                    T* target = (T*)to + row * n;
                    for (int i = 0; i < n; i++)
                        target[i] = source[order[i] * rows.Stride];
                }
            }

            ArrayPool<ulong>.Shared.Return(keys);
            ArrayPool<uint>.Shared.Return(indices);
        });
    }

    // key and index have room for 2 n; returns the half of index that holds the result.
    private static uint* Sort(ulong* key, uint* index, int n, int keyBytes)
    {
        if (n <= Short)
        {
            Insert(key, index, n);
            return index;
        }

        ulong* otherKey = key + n;
        uint* otherIndex = index + n;
        int* starts = stackalloc int[256];
        for (int shift = 0; shift < 8 * keyBytes; shift += 8)
        {
            new Span<int>(starts, 256).Clear();
            for (int i = 0; i < n; i++)
                starts[(byte)(key[i] >> shift)]++;
            if (starts[(byte)(key[0] >> shift)] == n)
                continue;       // all have the same byte here
            int start = 0;
            for (int digit = 0; digit < 256; digit++)
                (starts[digit], start) = (start, start + starts[digit]);
            for (int i = 0; i < n; i++)
            {
                int at = starts[(byte)(key[i] >> shift)]++;
                otherKey[at] = key[i];
                otherIndex[at] = index[i];
            }

            ulong* freeKey = key;
            uint* freeIndex = index;
            key = otherKey;
            index = otherIndex;
            otherKey = freeKey;
            otherIndex = freeIndex;
        }

        return index;
    }

    private static void Insert(ulong* key, uint* index, int n)
    {
        for (int i = 1; i < n; i++)
        {
            ulong k = key[i];
            uint at = index[i];
            int j = i - 1;
            for (; j >= 0 && key[j] > k; j--)
            {
                key[j + 1] = key[j];
                index[j + 1] = index[j];
            }

            key[j + 1] = k;
            index[j + 1] = at;
        }
    }
}
