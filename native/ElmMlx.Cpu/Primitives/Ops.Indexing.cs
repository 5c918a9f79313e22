using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>Elements along an axis at the indices, whose axes take the place of that axis.</summary>
    public static Node Take(Node a, Node indices, int axis)
    {
        int at = Axis("take", axis, a.Rank);
        if (a.Shape[at] == 0 && indices.Size != 0)
            throw new ArgumentException("[take] Cannot do a non-empty take from an empty axis.");
        // indices' axes, a's axes
        Node gathered = Gather(a, [indices], Interned.Of([at]), WithLength(a.Shape, at, 1));
        gathered = Squeeze(gathered, at + indices.Rank);
        if (at == 0 || indices.Rank == 0)
            return gathered;
        int[] before = [.. Enumerable.Range(indices.Rank, at)];
        int[] ofIndices = [.. Enumerable.Range(0, indices.Rank)];
        int[] after = [.. Enumerable.Range(indices.Rank + at, a.Rank - 1 - at)];
        return Transpose(gathered, [.. before, .. ofIndices, .. after]);
    }

    /// <summary>Elements in row-major order at the indices.</summary>
    public static Node Take(Node a, Node indices) => Take(Flatten(a), indices, 0);

    /// <summary>Elements along an axis at indices of the array's own rank.</summary>
    public static Node TakeAlongAxis(Node a, Node indices, int axis)
    {
        int at = AlongAxis("take_along_axis", a, indices, axis);
        Node[] inputs = BroadcastArraysExcept("take_along_axis", [a, indices], at);
        return Make(new GatherAxis(at), inputs[1].Shape, a.Type, inputs);
    }

    /// <summary>The array with values put, or added, at the indices along an axis.</summary>
    public static Node PutAlongAxis(Node a, Node indices, Node values, int axis, ScatterMode mode = ScatterMode.Set)
    {
        string operation = mode == ScatterMode.Set ? "put_along_axis" : "scatter_add_axis";
        int at = AlongAxis(operation, a, indices, axis);
        if (a.Size == 0)
            return a;
        Node updates = AsType(values, a.Type);
        if (updates.Rank > indices.Rank)
            updates = Squeeze(updates, [.. Enumerable.Range(0, updates.Rank - indices.Rank)]);
        Node[] pair = BroadcastArrays([indices, updates]);
        Node[] inputs = BroadcastArraysExcept(operation, [a, .. pair], at);
        return Make(new ScatterAxis(at, mode), inputs[0].Shape, a.Type, inputs);
    }

    /// <summary>
    /// Slices of an array, one for each index: an index array an axis of <paramref name="axes"/>, which broadcast
    /// together, and a length of the slices along each axis of the array. Nobody may change axes and lengths any more.
    /// </summary>
    public static Node Gather(Node a, ReadOnlySpan<Node> indices, int[] axes, int[] sliceSizes)
    {
        CheckIndices("gather", a, indices, axes);
        if (sliceSizes.Length != a.Rank)
            throw new ArgumentException(
                $"[gather] Got slice_sizes with size {sliceSizes.Length} for array with {a.Rank} dimensions.");
        for (int axis = 0; axis < a.Rank; axis++)
        {
            if (sliceSizes[axis] < 0 || sliceSizes[axis] > Math.Max(a.Shape[axis], a.Size == 0 ? sliceSizes[axis] : 0))
                throw new ArgumentException(
                    $"[gather] Slice sizes must be in [0, a.shape(i)]. Got {Text(sliceSizes)} for array with shape "
                    + $"{Text(a.Shape)}.");
        }

        Node[] wide = indices.Length == 1 ? [] : WithOneType("gather", indices.ToArray());
        int[] indexShape = indices.Length == 1 ? indices[0].Shape : wide.Length > 0 ? wide[0].Shape : [];
        Span<int> shape = stackalloc int[indexShape.Length + sliceSizes.Length];
        indexShape.CopyTo(shape);
        sliceSizes.CopyTo(shape[indexShape.Length..]);
        if (a.Size == 0 && !shape.Contains(0))
            throw new ArgumentException(
                "[gather] If the input is empty, either the indices must be empty or the total slice size must be 0.");
        Gather gather = Shared.Of((axes, sliceSizes), static key => new Gather(key.axes, key.sliceSizes));
        return indices.Length == 1
            ? Make(gather, shape, a.Type, a, indices[0])
            : Make(gather, shape, a.Type, [a, .. wide]);
    }

    /// <summary>
    /// The array with slices of updates combined into it, one for each index. The updates have the axes of the indices,
    /// then those of the array, each no longer than there.
    /// </summary>
    public static Node Scatter(Node a, Node[] indices, Node updates, int[] axes, ScatterMode mode)
    {
        CheckIndices("scatter", a, indices, axes);
        Node[] wide = WithOneType("scatter", indices);
        int[] indexShape = wide.Length > 0 ? wide[0].Shape : [];
        if (updates.Rank != a.Rank + indexShape.Length)
            throw new ArgumentException(
                $"[scatter] Updates with {updates.Rank} dimensions does not match the sum of the array ({a.Rank}) and "
                + $"indices ({indexShape.Length}) dimensions.");
        if (!updates.Shape.AsSpan(0, indexShape.Length).SequenceEqual(indexShape))
            throw new ArgumentException(
                $"[scatter] Update shape {Text(updates.Shape)} is not valid for broadcasted index shape "
                    + $"{Text(indexShape)}.");
        for (int axis = 0; axis < a.Rank; axis++)
        {
            if (updates.Shape[axis + indexShape.Length] > a.Shape[axis])
                throw new ArgumentException(
                    $"[scatter] Updates with shape {Text(updates.Shape)} are too large for array with shape "
                        + $"{Text(a.Shape)}.");
        }

        return Make(new Scatter([.. axes], mode), a.Shape, a.Type, [a, .. wide, AsType(updates, a.Type)]);
    }

    /// <summary>The array with values, in their order, where the mask is true.</summary>
    public static Node MaskedScatter(Node a, Node mask, Node values)
    {
        if (mask.Type != MLX_BOOL)
            throw new ArgumentException("[masked_scatter] The mask has to be boolean.");
        if (mask.Rank > a.Rank || !mask.Shape.AsSpan().SequenceEqual(a.Shape.AsSpan(0, mask.Rank)))
            throw new ArgumentException(
                "[masked_scatter] The boolean mask should have the same shape as the beginning of the indexed "
                    + "array but "
                + $"the mask has shape {Text(mask.Shape)} and the array has shape {Text(a.Shape)}");
        int nRest = a.Rank - mask.Rank;
        if (values.Rank > nRest + 1)
            throw new ArgumentException(
                $"[masked_scatter] Value array shape must be broadcastable with the last {nRest} dimensions of "
                    + "the input.");
        int length = values.Rank == nRest + 1 ? values.Shape[0] : checked((int)mask.Size);
        Node wideValues = BroadcastTo(AsType(values, a.Type), [length, .. a.Shape[mask.Rank..]]);
        Node wideMask = BroadcastTo(
            Reshape(mask, [.. mask.Shape, .. Enumerable.Repeat(1, nRest)]), a.Shape);
        return Make(Shared.Of<MaskedScatter>(), a.Shape, a.Type, a, wideMask, wideValues);
    }

    private static int AlongAxis(string operation, Node a, Node indices, int axis)
    {
        int at = Axis(operation, axis, a.Rank);
        if (indices.Rank != a.Rank)
            throw new ArgumentException(
                $"[{operation}] Indices of dimension {indices.Rank} does not match array of dimension {a.Rank}.");
        if (!indices.Type.IsInteger())
            throw new ArgumentException(
                $"[{operation}] Got indices with invalid dtype {indices.Type.Name()}. Indices must be integral.");
        return at;
    }

    private static void CheckIndices(string operation, Node a, ReadOnlySpan<Node> indices, int[] axes)
    {
        if (indices.Length > a.Rank)
            throw new ArgumentException(
                $"[{operation}] Too many index arrays. Got {indices.Length} index arrays for input with {a.Rank} "
                    + "dimensions.");
        for (int i = 1; i < axes.Length; i++)
        {
            if (axes.AsSpan(..i).Contains(axes[i]))
                throw new ArgumentException($"[{operation}] Repeat axes not allowed in {operation}.");
        }

        if (axes.AsSpan().IndexOfAnyExceptInRange(0, a.Rank - 1) >= 0)
            throw new ArgumentException($"[{operation}] Axes don't match array dimensions.");
        if (indices.Length != axes.Length)
            throw new ArgumentException($"[{operation}] Number of index arrays does not match number of axes.");
        foreach (Node index in indices)
        {
            if (index.Type == MLX_BOOL)
                throw new ArgumentException($"[{operation}] Boolean indices not supported.");
            if (!index.Type.IsInteger())
                throw new ArgumentException(
                    $"[{operation}] Got indices with invalid dtype. Indices must be integral.");
        }
    }

    private static Node[] WithOneType(string operation, Node[] indices)
    {
        if (indices.Length == 0)
            return [];
        mlx_dtype type = indices[0].Type;
        foreach (Node index in indices)
            type = DTypes.Promote(type, index.Type);
        if (!type.IsInteger())
            throw new ArgumentException(
                $"[{operation}] Index arrays of int and uint64 do not meet in an integer dtype.");
        return [.. BroadcastArrays(indices).Select(index => AsType(index, type))];
    }
}
