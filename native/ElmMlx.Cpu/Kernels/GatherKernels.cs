using System.Numerics;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Reads slices and elements from places that index arrays name.</summary>
internal static unsafe class GatherKernels
{
    private const long BytesPerTask = 1 << 16;

    /// <summary>
    /// Adds what one index array says to the offsets of slices: the index, counted from the end when negative, times
    /// <paramref name="stride"/>. The greatest index that leaves room for a slice is <paramref name="lastStart"/>.
    /// </summary>
    /// <exception cref="ArgumentException">An index is out of bounds.</exception>
    public static void AddOffsets(
        string operation, Node indices, int axis, long length, long lastStart, long stride, Span<long> offsets)
    {
        if (offsets.IsEmpty)
            return;
        Buffer? rows = null;
        void* data = indices.Data;
        if (!indices.IsRowContiguous)
        {
            rows = Buffer.Allocate(indices.Size * indices.Type.Size());
            data = rows.Pointer;
            CopyKernels.Run(indices, data);
        }

        (long Place, long Index)? bad = indices.Type switch
        {
            MLX_UINT8 => Add((byte*)data, length, lastStart, stride, offsets),
            MLX_UINT16 => Add((ushort*)data, length, lastStart, stride, offsets),
            MLX_UINT32 => Add((uint*)data, length, lastStart, stride, offsets),
            MLX_UINT64 => Add((ulong*)data, length, lastStart, stride, offsets),
            MLX_INT8 => Add((sbyte*)data, length, lastStart, stride, offsets),
            MLX_INT16 => Add((short*)data, length, lastStart, stride, offsets),
            MLX_INT32 => Add((int*)data, length, lastStart, stride, offsets),
            _ => Add((long*)data, length, lastStart, stride, offsets),
        };
        rows?.Release();
        if (bad is { } found)
            throw new ArgumentException(
                $"[{operation}] Index {found.Index} at place {found.Place} is out of bounds for axis {axis} with size "
                + $"{length}.");
    }

    /// <summary>Copies one slice an offset, one after another.</summary>
    public static void Slices(
        int itemBytes, StridedLayout slice, long sliceSize, void* source, void* destination,
        ReadOnlySpan<long> offsets)
    {
        long perTask = Math.Max(1, BytesPerTask / Math.Max(1, sliceSize * itemBytes));
        int nTasks = (int)((offsets.Length + perTask - 1) / perTask);
        if (nTasks <= 1)
        {
            Slices(itemBytes, slice, sliceSize, source, destination, offsets, 0, offsets.Length);
            return;
        }

        fixed (long* places = offsets)
            SlicesInTasks(itemBytes, slice, sliceSize, source, destination, places, offsets.Length, perTask, nTasks);
    }

    private static void SlicesInTasks(
        int itemBytes, StridedLayout slice, long sliceSize, void* source, void* destination, long* offsets,
        int nOffsets, long perTask, int nTasks) =>
        WorkerPool.Run(nTasks, task =>
        {
            long first = task * perTask;
            long count = Math.Min(perTask, nOffsets - first);
            Slices(
                itemBytes, slice, sliceSize, source, destination, new(offsets, nOffsets), (int)first, (int)count);
        });

    /// <summary>
    /// Walks the positions of an axis-wise gather or scatter: at each, an element of the indexed array (at
    /// <c>other axes · strides + index · stride of the axis</c>) and one of the strided other side. A gather copies the
    /// element to the other side; a scatter combines the other side's value into the element.
    /// </summary>
    public static void AlongAxis<TFormula, T>(
        int[] shape, int axis, long[] indexOffsets, T* indexed, long[] indexedStrides, T* other, long[] otherStrides,
        bool isGather)
        where TFormula : struct, ICombine<T>
        where T : unmanaged
    {
        int inner = shape.Length - 1;
        long nLines = inner < 0 || shape[inner] == 0 ? 0 : indexOffsets.Length / shape[inner];
        long indexedStep = axis == inner ? 0 : indexedStrides[inner], otherStep = otherStrides[inner];
        var at = new long[shape.Length];
        long place = 0;
        for (long line = 0; line < nLines; line++)
        {
            T* element = indexed, value = other;
            for (int i = 0; i < inner; i++)
            {
                element += i == axis ? 0 : at[i] * indexedStrides[i];
                value += at[i] * otherStrides[i];
            }

            for (int i = 0; i < shape[inner]; i++)
            {
                T* target = element + indexOffsets[place++];
                if (isGather)
                    *value = *target;
                else
                    *target = TFormula.Apply(*target, *value);
                element += indexedStep;
                value += otherStep;
            }

            for (int i = inner - 1; i >= 0 && ++at[i] == shape[i]; i--)
                at[i] = 0;
        }
    }

    private static (long Place, long Index)? Add<T>(
        T* indices, long length, long lastStart, long stride, Span<long> offsets)
        where T : unmanaged, IBinaryInteger<T>
    {
        for (int i = 0; i < offsets.Length; i++)
        {
            long index = long.CreateTruncating(indices[i]);
            long start = index < 0 ? index + length : index;
            if (start < 0 || start > lastStart)
                return (i, index);
            offsets[i] += start * stride;
        }

        return null;
    }

    private static void Slices(
        int itemBytes, StridedLayout slice, long sliceSize, void* source, void* destination,
        ReadOnlySpan<long> offsets, int first, int count)
    {
        byte* to = (byte*)destination + first * sliceSize * itemBytes;
        bool isRun = slice.Rank == 1 && slice.Source[0] == 1;
        for (int i = first; i < first + count; i++)
        {
            byte* from = (byte*)source + offsets[i] * itemBytes;
            if (isRun)
                System.Buffer.MemoryCopy(from, to, sliceSize * itemBytes, sliceSize * itemBytes);
            else
                ScatterKernels.Set(itemBytes, slice, from, 0, to, [0]);
            to += sliceSize * itemBytes;
        }
    }
}
