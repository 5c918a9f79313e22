namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// The loops of a copy between two strided views of one shape, as few as possible: axes of length 1 are gone, and
/// neighbours that both sides walk as one are one. Innermost axis last; strides in elements.
/// </summary>
internal readonly struct StridedLayout
{
    // Shared arrays
    private StridedLayout(ReadOnlySpan<long> lengths, ReadOnlySpan<long> source, ReadOnlySpan<long> destination)
    {
        Lengths = Interned.Of(lengths);
        Source = Interned.Of(source);
        Destination = Interned.Of(destination);
    }

    public long[] Lengths { get; }

    public long[] Source { get; }

    public long[] Destination { get; }

    public int Rank => Lengths.Length;

    /// <summary>Collapses a shape that has no axis of length 0. The result has at least one axis.</summary>
    public static StridedLayout Collapse(
        ReadOnlySpan<int> shape, ReadOnlySpan<long> source, ReadOnlySpan<long> destination)
    {
        Span<long> lengths = stackalloc long[shape.Length + 1];
        Span<long> from = stackalloc long[shape.Length + 1];
        Span<long> to = stackalloc long[shape.Length + 1];
        int rank = 0;
        for (int axis = 0; axis < shape.Length; axis++)
        {
            if (shape[axis] == 1)
                continue;
            bool joins = rank > 0 && from[rank - 1] == source[axis] * shape[axis]
                && to[rank - 1] == destination[axis] * shape[axis];
            if (joins)
            {
                lengths[rank - 1] *= shape[axis];
                from[rank - 1] = source[axis];
                to[rank - 1] = destination[axis];
                continue;
            }

            lengths[rank] = shape[axis];
            from[rank] = source[axis];
            to[rank] = destination[axis];
            rank++;
        }

        if (rank == 0)
        {
            lengths[0] = 1;
            from[0] = to[0] = 1;
            rank = 1;
        }

        return new(lengths[..rank], from[..rank], to[..rank]);
    }

    /// <summary>The same with two axes moved to the inside, <paramref name="inner"/> last.</summary>
    public StridedLayout WithInside(int outer, int inner)
    {
        return new(Moved(Lengths), Moved(Source), Moved(Destination));

        long[] Moved(long[] values)
        {
            Span<long> moved = stackalloc long[values.Length];
            int at = 0;
            for (int axis = 0; axis < values.Length; axis++)
            {
                if (axis != outer && axis != inner)
                    moved[at++] = values[axis];
            }

            moved[at++] = values[outer];
            moved[at] = values[inner];
            return Interned.Of(moved);
        }
    }
}
