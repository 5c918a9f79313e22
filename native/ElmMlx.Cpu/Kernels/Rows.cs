namespace ElmMlx.Cpu.Kernels;

/// <summary>A view as rows along its last axis.</summary>
internal readonly unsafe struct Rows
{
    private const int ElementsPerTask = 1 << 14;

    private readonly int[] _shape;
    private readonly long[] _strides;
    private readonly bool _isRegular;

    public Rows(Node x)
    {
        _shape = x.Shape;
        _strides = x.Strides;
        Length = x.Rank == 0 ? 1 : x.Shape[^1];
        Stride = x.Rank == 0 || Length == 1 ? 1 : x.Strides[^1];
        Count = Length == 0 ? 0 : x.Size / Length;
        _isRegular = x.IsRowContiguous;
    }

    /// <summary>Elements of a row.</summary>
    public int Length { get; }

    /// <summary>Elements from one index of a row to the next.</summary>
    public long Stride { get; }

    public long Count { get; }

    /// <summary>Offset of a row's first element.</summary>
    public long Offset(long row)
    {
        if (_isRegular)
            return row * Length;
        long offset = 0;
        for (int axis = _shape.Length - 2; axis >= 0 && row > 0; axis--)
        {
            offset += row % _shape[axis] * _strides[axis];
            row /= _shape[axis];
        }

        return offset;
    }

    /// <summary>
    /// Calls <paramref name="body"/> with ranges of rows, first and end, on several threads when that is
    /// worth it.
    /// </summary>
    public void ForEach(Action<long, long> body)
    {
        long count = Count, perTask = Math.Max(1, ElementsPerTask / Math.Max(1, Length));
        int nTasks = (int)((count + perTask - 1) / perTask);
        if (nTasks == 1)
            body(0, count);
        else if (nTasks > 1)
            WorkerPool.Run(nTasks, task => body(task * perTask, Math.Min((task + 1) * perTask, count)));
    }
}
