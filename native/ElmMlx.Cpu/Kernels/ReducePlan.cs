namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// How a reduction walks its input: the axes that stay and those that go, each list merged where strides allow, the
/// axes that go in order of falling strides so that memory is read forwards.
/// </summary>
internal sealed class ReducePlan
{
    private ReducePlan(long[] keptShape, long[] keptStrides, long[] goneShape, long[] goneStrides)
    {
        KeptShape = keptShape;
        KeptStrides = keptStrides;
        GoneShape = goneShape;
        GoneStrides = goneStrides;
        OutputCount = Product(keptShape);
        ReducedCount = Product(goneShape);
    }

    /// <summary>Never empty.</summary>
    public long[] KeptShape { get; }

    public long[] KeptStrides { get; }

    /// <summary>Never empty.</summary>
    public long[] GoneShape { get; }

    public long[] GoneStrides { get; }

    /// <summary>Elements of the result.</summary>
    public long OutputCount { get; }

    /// <summary>Elements that make one of the result.</summary>
    public long ReducedCount { get; }

    /// <summary>
    /// Whether neighbouring results read neighbouring elements, and one result's elements lie apart.
    /// </summary>
    public bool IsByColumns => KeptStrides[^1] == 1 && KeptShape[^1] > 1 && GoneStrides[^1] != 1;

    public static ReducePlan Of(ReadOnlySpan<int> shape, ReadOnlySpan<long> strides, ReadOnlySpan<int> axes)
    {
        List<(long Length, long Stride)> kept = [], gone = [];
        for (int axis = 0; axis < shape.Length; axis++)
        {
            if (shape[axis] != 1)
                (axes.Contains(axis) ? gone : kept).Add((shape[axis], strides[axis]));
        }

        gone.Sort(static (a, b) => b.Stride.CompareTo(a.Stride));
        (long[] keptShape, long[] keptStrides) = Merge(kept);
        (long[] goneShape, long[] goneStrides) = Merge(gone);
        return new(keptShape, keptStrides, goneShape, goneStrides);
    }

    /// <summary>Offset of the first element of a result.</summary>
    public long KeptOffset(long index) => Offset(index, KeptShape, KeptStrides);

    /// <summary>
    /// Offset, from a result's first element, of element <paramref name="run"/> · <c>GoneShape[^1]</c>.
    /// </summary>
    public long RunOffset(long run) => Offset(run, GoneShape.AsSpan(..^1), GoneStrides.AsSpan(..^1));

    private static long Offset(long index, ReadOnlySpan<long> shape, ReadOnlySpan<long> strides)
    {
        long offset = 0;
        for (int axis = shape.Length - 1; axis >= 0 && index > 0; axis--)
        {
            offset += index % shape[axis] * strides[axis];
            index /= shape[axis];
        }

        return offset;
    }

    private static (long[] Shape, long[] Strides) Merge(List<(long Length, long Stride)> axes)
    {
        if (axes.Count == 0)
            return ([1], [1]);
        for (int i = axes.Count - 2; i >= 0; i--)
        {
            if (axes[i].Stride != axes[i + 1].Stride * axes[i + 1].Length)
                continue;
            axes[i] = (axes[i].Length * axes[i + 1].Length, axes[i + 1].Stride);
            axes.RemoveAt(i + 1);
        }

        return (
            axes.ConvertAll(static axis => axis.Length).ToArray(),
            axes.ConvertAll(static axis => axis.Stride).ToArray());
    }

    private static long Product(long[] shape)
    {
        long product = 1;
        foreach (long length in shape)
            product *= length;
        return product;
    }
}
