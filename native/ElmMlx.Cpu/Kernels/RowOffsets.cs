namespace ElmMlx.Cpu.Kernels;

/// <summary>Where the rows of a strided array start: the last axis is a row, the others count rows.</summary>
internal readonly struct RowOffsets
{
    private readonly long[] _lengths, _strides;     // of the axes before the last, merged; shared arrays

    public RowOffsets(ReadOnlySpan<int> shape, ReadOnlySpan<long> strides)
    {
        int rank = 0;
        Span<long> lengths = stackalloc long[shape.Length], steps = stackalloc long[shape.Length];
        Count = 1;
        for (int axis = 0; axis < shape.Length - 1; axis++)
        {
            Count *= shape[axis];
            if (shape[axis] == 1)
                continue;
            bool merges = rank > 0 && steps[rank - 1] == strides[axis] * shape[axis];
            int into = merges ? rank - 1 : rank++;
            lengths[into] = merges ? lengths[into] * shape[axis] : shape[axis];
            steps[into] = strides[axis];
        }

        _lengths = Interned.Of(lengths[..rank]);
        _strides = Interned.Of(steps[..rank]);
    }

    /// <summary>Number of rows.</summary>
    public long Count { get; }

    /// <summary>Whether all rows are equally far apart, and how far in elements.</summary>
    public bool IsUniform(out long step)
    {
        step = _strides.Length == 1 ? _strides[0] : 0;
        return _strides.Length <= 1;
    }

    /// <summary>Elements from the array's first element to the row's.</summary>
    public long this[long row]
    {
        get
        {
            long offset = 0;
            for (int axis = _lengths.Length - 1; axis > 0; axis--)
            {
                (row, long index) = Math.DivRem(row, _lengths[axis]);
                offset += index * _strides[axis];
            }

            return _lengths.Length == 0 ? 0 : offset + row * _strides[0];
        }
    }
}
