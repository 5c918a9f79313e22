using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Updates of parts of an array. One thread: updates may meet at one element, and their order must not depend on the
/// number of threads.
/// </summary>
internal static unsafe class ScatterKernels
{
    /// <summary>
    /// Combines slices of <paramref name="source"/>, which lie <paramref name="sourceStep"/> elements apart, into the
    /// slices of the destination that begin at <paramref name="offsets"/>, in elements.
    /// </summary>
    public static void Run(
        ScatterMode mode, mlx_dtype type, StridedLayout slice, void* source, long sourceStep, void* destination,
        ReadOnlySpan<long> offsets, bool keepsNaN = false)
    {
        switch (mode)
        {
            case ScatterMode.Max when keepsNaN:
                RunTyped<CombineMaximum>(type, slice, source, sourceStep, destination, offsets);
                break;
            case ScatterMode.Min when keepsNaN:
                RunTyped<CombineMinimum>(type, slice, source, sourceStep, destination, offsets);
                break;
            case ScatterMode.Sum when type != MLX_BOOL:
                RunTyped<CombineSum>(type, slice, source, sourceStep, destination, offsets);
                break;
            case ScatterMode.Prod when type != MLX_BOOL:
                RunTyped<CombineProd>(type, slice, source, sourceStep, destination, offsets);
                break;
            case ScatterMode.Max or ScatterMode.Sum:        // of bools: any
                RunTyped<CombineMax>(type, slice, source, sourceStep, destination, offsets);
                break;
            case ScatterMode.Min or ScatterMode.Prod:       // of bools: all
                RunTyped<CombineMin>(type, slice, source, sourceStep, destination, offsets);
                break;
            default:
                Set(type.Size(), slice, source, sourceStep, destination, offsets);
                break;
        }
    }

    /// <summary>
    /// Adds slices of a half precision dtype: those that meet in one place are added up in float32 and rounded once.
    /// </summary>
    /// <param name="type">float16 or bfloat16.</param>
    /// <param name="slice">From rows of <paramref name="source"/> to the destination.</param>
    /// <param name="back">From the destination to rows.</param>
    /// <param name="source">Slices one after another.</param>
    /// <param name="length">Elements of a slice.</param>
    /// <param name="destination">The array.</param>
    /// <param name="offsets">Where each slice goes.</param>
    public static void SumWide(
        mlx_dtype type, StridedLayout slice, StridedLayout back, void* source, long length, void* destination,
        long[] offsets)
    {
        int[] order = [.. Enumerable.Range(0, offsets.Length)];
        long[] places = [.. offsets];
        MemoryExtensions.Sort(places.AsSpan(), order.AsSpan(), static (a, b) => a.CompareTo(b));
        var from = (ushort*)source;
        float* sums = KernelScratch.Floats(KernelScratch.Use.Sums, length);
        float* wide = KernelScratch.Floats(KernelScratch.Use.Input, length);
        var rounded = (ushort*)KernelScratch.Floats(KernelScratch.Use.Extra, (length + 1) / 2);
        for (int first = 0, end; first < places.Length; first = end)
        {
            for (end = first + 1; end < places.Length && places[end] == places[first];)
                end++;
            Array.Sort(order, first, end - first);      // in the order of the updates
            var place = (ushort*)destination + places[first];
            if (end == first + 1)
            {
                RunTyped<CombineSum>(type, slice, from + order[first] * length, 0, place, [0]);
                continue;
            }

            Set(sizeof(ushort), back, place, 0, rounded, [0]);
            Widen(type, rounded, sums, length);
            for (int i = first; i < end; i++)
            {
                Widen(type, from + order[i] * length, wide, length);
                for (long j = 0; j < length; j++)
                    sums[j] += wide[j];
            }

            if (type == MLX_BFLOAT16)
                HalfPrecision.ToBFloat16(sums, rounded, length);
            else
                HalfPrecision.ToFloat16(sums, (Half*)rounded, length);
            Set(sizeof(ushort), slice, rounded, 0, place, [0]);
        }

        static void Widen(mlx_dtype type, ushort* from, float* to, long n)
        {
            if (type == MLX_BFLOAT16)
                HalfPrecision.FromBFloat16(from, to, n);
            else
                HalfPrecision.FromFloat16((Half*)from, to, n);
        }
    }

    /// <summary>Copies slices, any dtype of <paramref name="itemBytes"/> bytes.</summary>
    public static void Set(
        int itemBytes, StridedLayout slice, void* source, long sourceStep, void* destination,
        ReadOnlySpan<long> offsets)
    {
        switch (itemBytes)
        {
            case 1:
                Run<CombineSet<byte>, byte>(slice, source, sourceStep, destination, offsets);
                break;
            case 2:
                Run<CombineSet<ushort>, ushort>(slice, source, sourceStep, destination, offsets);
                break;
            case 4:
                Run<CombineSet<uint>, uint>(slice, source, sourceStep, destination, offsets);
                break;
            default:
                Run<CombineSet<ulong>, ulong>(slice, source, sourceStep, destination, offsets);
                break;
        }
    }

    /// <summary>Combines one strided view into another, element by element.</summary>
    public static void Apply<TFormula, T>(StridedLayout layout, T* source, T* destination)
        where TFormula : struct, ICombine<T>
        where T : unmanaged
    {
        int inner = layout.Rank - 1;
        long length = layout.Lengths[inner];
        long sourceStride = layout.Source[inner], destinationStride = layout.Destination[inner];
        Span<long> at = stackalloc long[Math.Max(inner, 1)];
        at.Clear();
        while (true)
        {
            T* from = source, to = destination;
            for (long i = 0; i < length; i++)
            {
                *to = TFormula.Apply(*to, *from);
                from += sourceStride;
                to += destinationStride;
            }

            int axis = inner - 1;
            for (; axis >= 0; axis--)
            {
                source += layout.Source[axis];
                destination += layout.Destination[axis];
                if (++at[axis] < layout.Lengths[axis])
                    break;
                at[axis] = 0;
                source -= layout.Lengths[axis] * layout.Source[axis];
                destination -= layout.Lengths[axis] * layout.Destination[axis];
            }

            if (axis < 0)
                return;
        }
    }

    private static void RunTyped<TFormula>(
        mlx_dtype type, StridedLayout slice, void* source, long sourceStep, void* destination,
        ReadOnlySpan<long> offsets)
        where TFormula : struct, ICombineNumbers
    {
        switch (type)
        {
            case MLX_BOOL or MLX_UINT8:
                Run<CombineOf<TFormula, byte>, byte>(slice, source, sourceStep, destination, offsets);
                break;
            case MLX_UINT16:
                Run<CombineOf<TFormula, ushort>, ushort>(slice, source, sourceStep, destination, offsets);
                break;
            case MLX_UINT32:
                Run<CombineOf<TFormula, uint>, uint>(slice, source, sourceStep, destination, offsets);
                break;
            case MLX_UINT64:
                Run<CombineOf<TFormula, ulong>, ulong>(slice, source, sourceStep, destination, offsets);
                break;
            case MLX_INT8:
                Run<CombineOf<TFormula, sbyte>, sbyte>(slice, source, sourceStep, destination, offsets);
                break;
            case MLX_INT16:
                Run<CombineOf<TFormula, short>, short>(slice, source, sourceStep, destination, offsets);
                break;
            case MLX_INT32:
                Run<CombineOf<TFormula, int>, int>(slice, source, sourceStep, destination, offsets);
                break;
            case MLX_INT64:
                Run<CombineOf<TFormula, long>, long>(slice, source, sourceStep, destination, offsets);
                break;
            case MLX_FLOAT16:
                Run<CombineOf<TFormula, Half>, Half>(slice, source, sourceStep, destination, offsets);
                break;
            case MLX_BFLOAT16:
                Run<CombineBFloat16<TFormula>, BFloat16>(slice, source, sourceStep, destination, offsets);
                break;
            case MLX_FLOAT32:
                Run<CombineOf<TFormula, float>, float>(slice, source, sourceStep, destination, offsets);
                break;
            case MLX_FLOAT64:
                Run<CombineOf<TFormula, double>, double>(slice, source, sourceStep, destination, offsets);
                break;
            default:
                Run<CombineComplex<TFormula>, Complex64>(slice, source, sourceStep, destination, offsets);
                break;
        }
    }

    private static void Run<TFormula, T>(
        StridedLayout slice, void* source, long sourceStep, void* destination, ReadOnlySpan<long> offsets)
        where TFormula : struct, ICombine<T>
        where T : unmanaged
    {
        var from = (T*)source;
        foreach (long offset in offsets)
        {
            Apply<TFormula, T>(slice, from, (T*)destination + offset);
            from += sourceStep;
        }
    }
}
