namespace ElmMlx;

/// <summary>
/// What a list of indices means for one shape: a slice of every axis, the axes that arrays index, and the axes that
/// come and go.
/// </summary>
internal sealed class IndexPlan
{
    private readonly string _array; // for messages

    private IndexPlan(int[] shape, string array)
    {
        _array = array;
        Start = new int[shape.Length];
        Stop = [.. shape];
        Steps = new int[shape.Length];
        Array.Fill(Steps, 1);
    }

    /// <summary>Where the slice of each axis starts.</summary>
    public int[] Start { get; }

    /// <summary>Where it stops; -1 - size where it goes backwards to the first element.</summary>
    public int[] Stop { get; }

    /// <summary>Its step.</summary>
    public int[] Steps { get; }

    /// <summary>Whether every axis is taken whole.</summary>
    public bool IsWhole { get; private set; } = true;

    /// <summary>The axes of the array that are indexed by arrays, and those arrays.</summary>
    public List<(int Axis, MlxArray Indices)> Gathered { get; } = [];

    /// <summary>
    /// What becomes of the axes, in the result's order: an axis of the array, or -1 for a new one. Axes indexed by a
    /// number are missing.
    /// </summary>
    public List<int> Axes { get; } = [];

    /// <summary>Reads indices against a shape.</summary>
    /// <exception cref="ArgumentException">There are too many, or an array is not of integers.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number or a range leaves its axis.</exception>
    public static IndexPlan Of(int[] shape, ReadOnlySpan<ArrayIndex> indices, string array)
    {
        IndexPlan plan = new(shape, array);
        int named = 0, ellipses = 0;
        foreach (ArrayIndex index in indices)
        {
            named += index.Kind is IndexKind.NewAxis or IndexKind.Ellipsis ? 0 : 1;
            ellipses += index.Kind is IndexKind.Ellipsis ? 1 : 0;
        }

        if (named > shape.Length)
            throw new ArgumentException($"{named} indices for the {shape.Length} axes of {array}");
        if (ellipses > 1)
            throw new ArgumentException("one ellipsis is enough: with two, the axes between them are not known");
        int axis = 0;
        foreach (ArrayIndex index in indices)
            plan.Add(index, shape, named, ref axis);
        while (axis < shape.Length)
            plan.Axes.Add(axis++);
        return plan;
    }

    private void Add(ArrayIndex index, int[] shape, int named, ref int axis)
    {
        switch (index.Kind)
        {
            case IndexKind.NewAxis:
                Axes.Add(-1);
                break;
            case IndexKind.Ellipsis:
                for (int i = named; i < shape.Length; i++)
                    Axes.Add(axis++);
                break;
            case IndexKind.Number:
                int number = index.Index.GetOffset(shape[axis]);
                if ((uint)number >= (uint)shape[axis])
                    throw new ArgumentOutOfRangeException(
                        nameof(index), $"index {index.Index} leaves axis {axis} of {_array}");
                (Start[axis], Stop[axis], IsWhole) = (number, number + 1, false);
                axis++;
                break;
            case IndexKind.Range:
                AddRange(index, shape[axis], axis);
                Axes.Add(axis++);
                break;
            default:
                if (!index.Array!.DType.IsInteger())
                    throw new ArgumentException(
                        $"an index is {index.Array.Describe()}: only integers index; use Where for masks");
                Gathered.Add((axis, index.Array));
                Axes.Add(axis++);
                break;
        }
    }

    private void AddRange(ArrayIndex index, int size, int axis)
    {
        int start = index.Range.Start.GetOffset(size), stop = index.Range.End.GetOffset(size);
        if (start < 0 || stop > size || start > stop)
            throw new ArgumentOutOfRangeException(nameof(index), $"range {index.Range} leaves axis {axis} of {_array}");
        IsWhole &= start == 0 && stop == size && index.Stride == 1;
        // Backwards: from the range's last to its first; the stop before element 0 has to be out of the axis
        // on the left.
        (Start[axis], Stop[axis]) = index.Stride > 0 ? (start, stop)
            : start == stop ? (0, 0)
            : (stop - 1, start > 0 ? start - 1 : -1 - size);
        Steps[axis] = start == stop ? 1 : index.Stride;
    }
}
