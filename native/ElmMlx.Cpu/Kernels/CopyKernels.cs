using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Copies between strided views: plain runs of bytes where both sides have them, tiles where axes are swapped.
/// </summary>
internal static unsafe class CopyKernels
{
    private const long BytesPerTask = 1 << 18;
    private const int MaxTileBytes = 1 << 14;
    private const long MinRowsPerTask = 64;     // a tile's

    /// <summary>Any view to row-contiguous memory.</summary>
    public static void Run(Node source, void* destination) =>
        Run(source.Data, source.Strides, destination, Node.RowStrides(source.Shape), source.Shape, source.Type.Size());

    /// <summary>Any view to any view of the same shape that does not overlap it; strides in elements.</summary>
    public static void Run(
        void* source, ReadOnlySpan<long> sourceStrides, void* destination, ReadOnlySpan<long> destinationStrides,
        ReadOnlySpan<int> shape, int itemBytes)
    {
        foreach (int length in shape)
        {
            if (length == 0)
                return;
        }

        StridedLayout layout = StridedLayout.Collapse(shape, sourceStrides, destinationStrides);
        switch (itemBytes)
        {
            case 1:
                Run((byte*)source, (byte*)destination, layout);
                break;
            case 2:
                Run((ushort*)source, (ushort*)destination, layout);
                break;
            case 4:
                Run((uint*)source, (uint*)destination, layout);
                break;
            default:
                Run((ulong*)source, (ulong*)destination, layout);
                break;
        }
    }

    /// <summary>The same, one element after another: what the fast copy must equal.</summary>
    public static void RunNaive<T>(
        T* source, ReadOnlySpan<long> sourceStrides, T* destination, ReadOnlySpan<long> destinationStrides,
        ReadOnlySpan<int> shape)
        where T : unmanaged
    {
        long size = 1;
        foreach (int length in shape)
            size *= length;
        for (long index = 0; index < size; index++)
        {
            long rest = index, from = 0, to = 0;
            for (int axis = shape.Length - 1; axis >= 0; axis--)
            {
                (rest, long at) = Math.DivRem(rest, shape[axis]);
                from += at * sourceStrides[axis];
                to += at * destinationStrides[axis];
            }

            destination[to] = source[from];
        }
    }

    private static void Run<T>(T* source, T* destination, StridedLayout layout)
        where T : unmanaged
    {
        int inner = layout.Rank - 1;
        int swapped = SwappedAxis(layout);
        if (swapped >= 0)
            layout = layout.WithInside(swapped, inner);
        int nInnerAxes = swapped >= 0 ? 2 : 1;
        long innerSize = layout.Lengths[inner] * (swapped >= 0 ? layout.Lengths[inner - 1] : 1);
        int nOuterAxes = layout.Rank - nInnerAxes;
        long nBlocks = 1;
        for (int axis = 0; axis < nOuterAxes; axis++)
            nBlocks *= layout.Lengths[axis];

        if (nBlocks == 1 && innerSize * sizeof(T) > 2 * BytesPerTask)
        {
            RunInnerInParts(source, destination, layout, nInnerAxes);
            return;
        }

        long blocksPerTask = Math.Max(1, BytesPerTask / Math.Max(1, innerSize * sizeof(T)));
        int nTasks = checked((int)((nBlocks + blocksPerTask - 1) / blocksPerTask));
        if (nTasks == 1)
        {
            RunBlocks(source, destination, layout, nInnerAxes, 0, nBlocks);
            return;
        }

        RunBlocksInTasks(source, destination, layout, nInnerAxes, nBlocks, blocksPerTask, nTasks);
    }

    private static void RunBlocksInTasks<T>(
        T* source, T* destination, StridedLayout layout, int nInnerAxes, long nBlocks, long blocksPerTask, int nTasks)
        where T : unmanaged =>
        WorkerPool.Run(nTasks, task =>
        {
            long first = task * blocksPerTask;
            RunBlocks(source, destination, layout, nInnerAxes, first, Math.Min(first + blocksPerTask, nBlocks));
        });

    // One block only: cut along its outer axis.
    private static void RunInnerInParts<T>(T* source, T* destination, StridedLayout layout, int nInnerAxes)
        where T : unmanaged
    {
        int cut = layout.Rank - nInnerAxes;
        long length = layout.Lengths[cut];
        long bytesPerIndex = sizeof(T) * (nInnerAxes == 2 ? layout.Lengths[cut + 1] : 1);
        long perTask = Math.Max(nInnerAxes == 2 ? MinRowsPerTask : 1, BytesPerTask / bytesPerIndex);
        int nTasks = checked((int)((length + perTask - 1) / perTask));
        WorkerPool.Run(nTasks, task =>
        {
            long first = task * perTask, count = Math.Min(perTask, length - first);
            T* from = source + first * layout.Source[cut];
            T* to = destination + first * layout.Destination[cut];
            if (nInnerAxes == 2)
            {
                Tile(from, to, count, layout.Source[cut], layout.Destination[cut],
                    layout.Lengths[cut + 1], layout.Source[cut + 1], layout.Destination[cut + 1]);
            }
            else
            {
                Row(from, to, count, layout.Source[cut], layout.Destination[cut]);
            }
        });
    }

    // An axis that the source walks one by one while the innermost axis, one by one in the destination, jumps in it.
    private static int SwappedAxis(StridedLayout layout)
    {
        int inner = layout.Rank - 1;
        if (layout.Source[inner] is 0 or 1 || layout.Destination[inner] != 1)
            return -1;
        for (int axis = inner - 1; axis >= 0; axis--)
        {
            if (layout.Source[axis] == 1 && layout.Lengths[axis] >= 4)
                return axis;
        }

        return -1;
    }

    private static void RunBlocks<T>(
        T* source, T* destination, StridedLayout layout, int nInnerAxes, long firstBlock, long endBlock)
        where T : unmanaged
    {
        int nOuterAxes = layout.Rank - nInnerAxes, inner = layout.Rank - 1;
        Span<long> at = stackalloc long[Math.Max(nOuterAxes, 1)];
        long rest = firstBlock;
        for (int axis = nOuterAxes - 1; axis >= 0; axis--)
        {
            (rest, at[axis]) = Math.DivRem(rest, layout.Lengths[axis]);
            source += at[axis] * layout.Source[axis];
            destination += at[axis] * layout.Destination[axis];
        }

        for (long block = firstBlock; block < endBlock; block++)
        {
            if (nInnerAxes == 2)
            {
                Tile(source, destination, layout.Lengths[inner - 1], layout.Source[inner - 1],
                    layout.Destination[inner - 1], layout.Lengths[inner], layout.Source[inner], 1);
            }
            else
            {
                Row(source, destination, layout.Lengths[inner], layout.Source[inner], layout.Destination[inner]);
            }

            for (int axis = nOuterAxes - 1; axis >= 0; axis--)
            {
                source += layout.Source[axis];
                destination += layout.Destination[axis];
                if (++at[axis] < layout.Lengths[axis])
                    break;
                at[axis] = 0;
                source -= layout.Lengths[axis] * layout.Source[axis];
                destination -= layout.Lengths[axis] * layout.Destination[axis];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row<T>(T* source, T* destination, long length, long sourceStride, long destinationStride)
        where T : unmanaged
    {
        if (destinationStride == 1 && sourceStride == 1)
        {
            System.Buffer.MemoryCopy(source, destination, length * sizeof(T), length * sizeof(T));
        }
        else if (destinationStride == 1 && sourceStride == 0 && length <= int.MaxValue)
        {
            new Span<T>(destination, (int)length).Fill(*source);
        }
        else
        {
            for (long i = 0; i < length; i++)
            {
                *destination = *source;
                source += sourceStride;
                destination += destinationStride;
            }
        }
    }

    // rows × columns, a tile at a time through a buffer: each cache line of either side is touched once, even where
    // strides of a power of two put all of them into one set of the cache.
    [SkipLocalsInit]
    private static void Tile<T>(
        T* source, T* destination, long nRows, long sourceRow, long destinationRow,
        long nColumns, long sourceColumn, long destinationColumn)
        where T : unmanaged
    {
        int length = sizeof(T) == sizeof(ulong) ? 32 : 64;
        byte* buffer = stackalloc byte[MaxTileBytes];
        var tile = (T*)buffer;
        for (long row = 0; row < nRows; row += length)
        {
            int rows = (int)Math.Min(length, nRows - row);
            for (long column = 0; column < nColumns; column += length)
            {
                int columns = (int)Math.Min(length, nColumns - column);
                T* from = source + row * sourceRow + column * sourceColumn;
                for (int c = 0; c < columns; c++, from += sourceColumn)
                {
                    T* item = from;
                    for (int r = 0; r < rows; r++, item += sourceRow)
                        tile[r * length + c] = *item;
                }

                T* to = destination + row * destinationRow + column * destinationColumn;
                for (int r = 0; r < rows; r++, to += destinationRow)
                    Row(tile + r * length, to, columns, 1, destinationColumn);
            }
        }
    }
}
