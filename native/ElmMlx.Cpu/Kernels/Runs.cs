namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// How strided arrays of one shape are walked beside a row-contiguous result: axes that can be are merged, what remains
/// is cut into runs along the last axis, and long walks into tasks of a fixed length.
/// </summary>
internal readonly struct Runs
{
    /// <summary>Elements of one task.</summary>
    public const int TaskLength = 1 << 15;

    private readonly long[] _shape;         // merged; the last one is a run; a shared array
    private readonly long[] _strides;       // of every operand in turn, an axis each; a shared array
    private readonly int _nOperands;

    /// <param name="shape">The common shape.</param>
    /// <param name="strides">Elements from one index to the next, an array an operand.</param>
    public Runs(ReadOnlySpan<int> shape, params ReadOnlySpan<long[]> strides)
    {
        int rank = 0, most = shape.Length + 1;
        _nOperands = strides.Length;
        Span<long> lengths = stackalloc long[most], merged = stackalloc long[most * _nOperands];
        Size = 1;
        for (int axis = 0; axis < shape.Length; axis++)
        {
            Size *= shape[axis];
            if (shape[axis] == 1)
                continue;
            bool merges = rank > 0;
            for (int k = 0; k < _nOperands && merges; k++)
                merges = merged[k * most + rank - 1] == strides[k][axis] * shape[axis];
            int into = merges ? rank - 1 : rank++;
            lengths[into] = merges ? lengths[into] * shape[axis] : shape[axis];
            for (int k = 0; k < _nOperands; k++)
                merged[k * most + into] = strides[k][axis];
        }

        if (rank == 0)
        {
            lengths[rank++] = 1;
            for (int k = 0; k < _nOperands; k++)
                merged[k * most] = 1;
        }

        for (int k = 1; k < _nOperands; k++)
            merged.Slice(k * most, rank).CopyTo(merged[(k * rank)..]);
        _shape = Interned.Of(lengths[..rank]);
        _strides = Interned.Of(merged[..(rank * _nOperands)]);
    }

    /// <summary>One contiguous operand.</summary>
    public Runs(long size)
    {
        Size = size;
        _nOperands = 1;
        _shape = Interned.Of([size]);
        _strides = Interned.Of([1L]);
    }

    /// <summary>Number of elements.</summary>
    public long Size { get; }

    /// <summary>Elements of a whole run.</summary>
    public long RunLength => _shape[^1];

    /// <summary>Elements from one index of a run to the next.</summary>
    public long Stride(int operand) => _strides[operand * _shape.Length + _shape.Length - 1];

    /// <summary>Runs all, on several threads when that is worth it.</summary>
    public void ForEach<TBody>(TBody body)
        where TBody : struct, IRunBody
    {
        if (Size <= TaskLength)
            Task(ref body, 0, Size);
        else
            Parallel(body);
    }

    private void Parallel<TBody>(TBody body)
        where TBody : struct, IRunBody
    {
        Runs runs = this;
        int nTasks = (int)((Size + TaskLength - 1) / TaskLength);
        WorkerPool.Run(nTasks, task =>
        {
            TBody mine = body;
            long start = (long)task * TaskLength;
            runs.Task(ref mine, start, Math.Min(start + TaskLength, runs.Size));
        });
    }

    private void Task<TBody>(ref TBody body, long start, long end)
        where TBody : struct, IRunBody
    {
        if (start >= end)
            return;
        int rank = _shape.Length, nOperands = _nOperands;
        Span<long> index = stackalloc long[rank];
        Span<long> offsets = stackalloc long[nOperands];
        long rest = start;
        for (int axis = rank - 1; axis >= 0; axis--)
        {
            index[axis] = rest % _shape[axis];
            rest /= _shape[axis];
            for (int k = 0; k < nOperands; k++)
                offsets[k] += index[axis] * _strides[k * rank + axis];
        }

        for (long at = start; ;)
        {
            long length = Math.Min(_shape[^1] - index[rank - 1], end - at);
            body.Run(at, offsets, (int)length);
            at += length;
            if (at >= end)
                return;
            for (int k = 0; k < nOperands; k++)
                offsets[k] -= index[rank - 1] * _strides[k * rank + rank - 1];
            index[rank - 1] = 0;
            for (int axis = rank - 2; axis >= 0; axis--)
            {
                index[axis]++;
                bool carries = index[axis] == _shape[axis];
                for (int k = 0; k < nOperands; k++)
                    offsets[k] += carries ? (1 - _shape[axis]) * _strides[k * rank + axis] : _strides[k * rank + axis];
                if (!carries)
                    break;
                index[axis] = 0;
            }
        }
    }
}
