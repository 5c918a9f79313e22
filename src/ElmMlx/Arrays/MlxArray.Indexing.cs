using System.Runtime.CompilerServices;

namespace ElmMlx;

// Brackets: arrays are values, so reading has an indexer and writing is With, which returns a changed copy.
public sealed unsafe partial class MlxArray
{
    /// <summary>
    /// A part of the array: numbers, C# ranges, steps, arrays of integers, null for a new axis, ellipsis.
    /// </summary>
    /// <remarks>
    /// Several index arrays broadcast and pick elements together; their shape stands where the first of them stood if
    /// they are neighbours, else in front, as in numpy.
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// There are more indices than axes, or an array is not of integers.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">A number or a range leaves its axis.</exception>
    [IndexerName("Part")] // Item is the method that reads one element
    public MlxArray this[params ReadOnlySpan<ArrayIndex> indices]
    {
        get
        {
            IndexPlan plan = IndexPlan.Of(Shape, indices, Describe());
            MlxArray part = plan.IsWhole ? this : Slice(plan.Start, plan.Stop, plan.Steps);
            return plan.Gathered.Count switch
            {
                0 => Arrange(part, plan.Axes, Enumerable.Range(0, Rank).ToArray()),
                1 => TakeOne(part, plan),
                _ => TakeTogether(part, plan),
            };
        }
    }

    /// <summary>A copy in which <paramref name="value"/> (broadcast) stands in a part.</summary>
    /// <param name="value">An array or a number; it takes this array's dtype.</param>
    /// <param name="indices">
    /// Numbers, ranges, steps, new axes and ellipsis; for index arrays see <see cref="PutAlongAxis"/> and
    /// <see cref="Scatter(ReadOnlySpan{MlxArray}, MlxArray, ReadOnlySpan{int})"/>.
    /// </param>
    /// <exception cref="ArgumentException">There are more indices than axes, or one is an array.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number or a range leaves its axis.</exception>
    public MlxArray With(Operand value, params ReadOnlySpan<ArrayIndex> indices)
    {
        IndexPlan plan = IndexPlan.Of(Shape, indices, Describe());
        if (plan.Gathered.Count > 0)
            throw new ArgumentException("With takes no index arrays: use PutAlongAxis or Scatter");
        MlxArray update = value.Resolve(this).AsType(DType);
        int[] partShape = new int[plan.Axes.Count];
        for (int i = 0; i < partShape.Length; i++)
            partShape[i] = plan.Axes[i] < 0 ? 1 : SliceSize(plan, plan.Axes[i]);
        int[] fullShape = new int[Rank];
        for (int axis = 0; axis < Rank; axis++)
            fullShape[axis] = SliceSize(plan, axis);
        return SliceUpdate(
            update.BroadcastTo(partShape).Reshape(fullShape), plan.Start, plan.Stop, plan.Steps);
    }

    private int SliceSize(IndexPlan plan, int axis)
    {
        int step = plan.Steps[axis], stop = plan.Stop[axis] < 0 ? -1 : plan.Stop[axis];
        return step > 0
            ? (stop - plan.Start[axis] + step - 1) / step
            : (plan.Start[axis] - stop - step - 1) / -step;
    }

    // One index array: its axes take the place of the axis.
    private static MlxArray TakeOne(MlxArray part, IndexPlan plan)
    {
        (int gathered, MlxArray indices) = plan.Gathered[0];
        MlxArray taken = part.Take(indices, gathered);
        int added = indices.Rank - 1;
        List<int> axes = [];
        foreach (int axis in plan.Axes)
        {
            if (axis == gathered)
                axes.AddRange(Enumerable.Range(gathered, indices.Rank));
            else
                axes.Add(axis > gathered ? axis + added : axis);
        }

        return Arrange(taken, axes, Enumerable.Range(0, taken.Rank).ToArray());
    }

    // Several: gathered axes come out as size 1 behind the indices' own axes.
    private static MlxArray TakeTogether(MlxArray part, IndexPlan plan)
    {
        MlxArray[] indices = BroadcastArrays([.. plan.Gathered.Select(g => g.Indices)]);
        for (int i = 0; i < indices.Length; i++)
            indices[i]._bounds = plan.Gathered[i].Indices._bounds;
        int[] gathered = [.. plan.Gathered.Select(g => g.Axis)];
        int[] sizes = [.. part.Shape.Select((size, axis) => gathered.Contains(axis) ? 1 : size)];
        MlxArray taken = part.Gather(indices, gathered, sizes);

        int indexRank = indices[0].Rank;
        int first = plan.Axes.IndexOf(gathered[0]);
        bool neighbours = gathered.Select((axis, i) => plan.Axes.IndexOf(axis) - i).All(place => place == first);
        List<int> axes = [];
        if (!neighbours)
            axes.AddRange(Enumerable.Range(0, indexRank));
        foreach (int axis in plan.Axes)
        {
            if (neighbours && axis == gathered[0])
                axes.AddRange(Enumerable.Range(0, indexRank));
            else if (axis < 0 || !gathered.Contains(axis))
                axes.Add(axis < 0 ? -1 : axis + indexRank);
        }

        return Arrange(taken, axes, Enumerable.Range(0, taken.Rank).ToArray());
    }

    // The axes of `all` that `axes` names, in its order; those it leaves out have size 1, and -1 is a new one.
    private static MlxArray Arrange(MlxArray array, List<int> axes, int[] all)
    {
        int[] kept = [.. axes.Where(axis => axis >= 0)];
        int[] dropped = [.. all.Except(kept)];
        MlxArray result = array;
        if (!kept.SequenceEqual(kept.Order()))
            (result, dropped) =
                (result.Transpose([.. kept, .. dropped]), [.. Enumerable.Range(kept.Length, dropped.Length)]);
        if (dropped.Length > 0)
            result = result.Squeeze(dropped);
        int[] added = [.. axes.Select((axis, place) => axis < 0 ? place : -1).Where(place => place >= 0)];
        return added.Length > 0 ? result.ExpandDims(added) : result;
    }
}
