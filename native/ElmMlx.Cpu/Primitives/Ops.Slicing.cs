namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>Every <c>steps[i]</c>-th element of axis i from start to stop, with Python's rules: a view.</summary>
    public static Node Slice(Node a, int[] starts, int[] stops, int[] steps)
    {
        (int[] from, int[] shape, int[] by) = SliceShape("slice", a.Shape, starts, stops, steps);
        return IsWhole(a, shape, steps)
            ? a
            : Make(Shared.Of((from, by), static key => new Slice(key.from, key.by)), shape, a.Type, a);
    }

    /// <summary>
    /// A slice of fixed size that begins where <paramref name="starts"/> says once it is computed: a view.
    /// </summary>
    public static Node SliceDynamic(Node a, Node starts, int[] axes, int[] sliceSizes)
    {
        int[] at = DynamicAxes("slice", a, starts, axes);
        bool fits = sliceSizes.Length == a.Rank;
        for (int axis = 0; fits && axis < a.Rank; axis++)
            fits = sliceSizes[axis] >= 0 && sliceSizes[axis] <= a.Shape[axis];
        if (!fits)
            throw new ArgumentException(
                $"[slice] Invalid slice size {Text(sliceSizes)} for array with shape {Text(a.Shape)}.");
        return Make(new DynamicSlice(at), [.. sliceSizes], a.Type, a, starts);
    }

    /// <summary>The array with a slice replaced, or combined with an update that broadcasts to it.</summary>
    public static Node SliceUpdate(
        Node a, Node update, int[] starts, int[] stops, int[] steps, ScatterMode mode = ScatterMode.Set)
    {
        (int[] from, int[] shape, int[] by) = SliceShape("slice_update", a.Shape, starts, stops, steps);
        Node wide = BroadcastTo(AsType(update, a.Type), shape);
        if (!IsWhole(a, shape, steps))
        {
            SliceUpdate primitive = Shared.Of(
                (from, by, mode), static key => new SliceUpdate(key.from, key.by, key.mode));
            return Make(primitive, a.Shape, a.Type, a, wide);
        }

        return mode switch
        {
            ScatterMode.Sum => Add(a, wide),
            ScatterMode.Prod => Multiply(a, wide),
            ScatterMode.Max => Maximum(a, wide),
            ScatterMode.Min => Minimum(a, wide),
            _ => wide,
        };
    }

    /// <summary>The array with the slice replaced that begins where <paramref name="starts"/> says.</summary>
    public static Node SliceUpdateDynamic(Node a, Node update, Node starts, int[] axes)
    {
        int[] at = DynamicAxes("slice_update", a, starts, axes);
        if (update.Rank > a.Rank)
            throw new ArgumentException(
                $"[slice_update] An update of shape {Text(update.Shape)} has more axes than the array, " +
                    $"{Text(a.Shape)}.");
        int nMissing = a.Rank - update.Rank;
        int[] shape = [.. a.Shape[..nMissing], .. update.Shape];
        for (int axis = nMissing; axis < a.Rank; axis++)
            shape[axis] = Math.Min(shape[axis], a.Shape[axis]);
        foreach (int axis in at)
        {
            if (axis < nMissing)
                shape[axis] = 1;
        }

        return Make(
            new DynamicSliceUpdate(at), a.Shape, a.Type, a, BroadcastTo(AsType(update, a.Type), shape), starts);
    }

    /// <summary>Starts within bounds, lengths, and steps (1 where they do not matter); shared arrays.</summary>
    private static (int[] Starts, int[] Shape, int[] Steps) SliceShape(
        string operation, int[] shape, int[] starts, int[] stops, int[] steps)
    {
        int rank = shape.Length;
        if (starts.Length != rank || stops.Length != rank || steps.Length != rank)
            throw new ArgumentException(
                $"[{operation}] Invalid number of indices or strides for array with dimension {rank}.");
        Span<int> from = stackalloc int[rank], lengths = stackalloc int[rank], by = stackalloc int[rank];
        steps.CopyTo(by);
        for (int axis = 0; axis < rank; axis++)
        {
            int n = shape[axis], step = steps[axis];
            if (step == 0)
                throw new ArgumentException($"[{operation}] The stride of axis {axis} is 0.");
            long start = starts[axis] < 0 ? (long)starts[axis] + n : starts[axis];
            long stop = stops[axis] < 0 ? (long)stops[axis] + n : stops[axis];
            if (step < 0)
            {
                start = Math.Min(start, n - 1);
                stop = Math.Min(Math.Max(stop, -1), start);
                lengths[axis] = start < 0 ? 0 : (int)((start - stop - step - 1L) / -(long)step);
            }
            else
            {
                start = Math.Clamp(start, 0, n);
                stop = Math.Max(Math.Clamp(stop, 0, n), start);
                lengths[axis] = (int)((stop - start + step - 1L) / step);
            }

            from[axis] = (int)Math.Max(start, 0);
            if (lengths[axis] == 1)
                by[axis] = 1;
            if (lengths[axis] == 0)
                from[axis] = 0;
        }

        return (Interned.Of(from), Interned.Of(lengths), Interned.Of(by));
    }

    private static bool IsWhole(Node a, int[] shape, int[] steps) =>
        shape.AsSpan().SequenceEqual(a.Shape) && steps.AsSpan().IndexOfAnyInRange(int.MinValue, 0) < 0;

    private static int[] DynamicAxes(string operation, Node a, Node starts, int[] axes)
    {
        if (starts.Rank > 1)
            throw new ArgumentException(
                $"[{operation}] array of starting indices must be zero or one dimensional but has dimension " +
                    $"{starts.Rank}.");
        if (starts.Size != axes.Length)
            throw new ArgumentException(
                $"[{operation}] Number of starting indices {starts.Size} does not match number of axes {axes.Length}.");
        if (!starts.Type.IsInteger())
            throw new ArgumentException(
                $"[{operation}] Start indices must be integers, got type {starts.Type.Name()}.");
        int[] at = [.. axes.Select(axis => Axis(operation, axis, a.Rank))];
        return at.Distinct().Count() == at.Length
            ? at
            : throw new ArgumentException($"[{operation}] Repeat axes not allowed.");
    }
}
