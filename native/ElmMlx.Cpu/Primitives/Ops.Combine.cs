using System.Buffers;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>Arrays one after another along an axis, in the dtype where they meet.</summary>
    public static Node Concatenate(ReadOnlySpan<Node> arrays, int axis)
    {
        if (arrays.Length == 0)
            throw new ArgumentException("[concatenate] No arrays provided for concatenation");
        Node first = arrays[0];
        if (arrays.Length == 1)
            return first;
        int at = Axis("concatenate", axis, first.Rank);
        mlx_dtype type = first.Type;
        int length = 0;
        foreach (Node array in arrays)
        {
            if (array.Rank != first.Rank)
                throw new ArgumentException(
                    "[concatenate] All the input arrays must have the same number of dimensions. However, got arrays "
                    + $"with dimensions {first.Rank} and {array.Rank}.");
            for (int i = 0; i < first.Rank; i++)
            {
                if (i != at && array.Shape[i] != first.Shape[i])
                    throw new ArgumentException(
                        "[concatenate] All the input array dimensions must match exactly except for the concatenation "
                        + $"axis. However, the provided shapes are {Text(first.Shape)}, {Text(array.Shape)}, and the "
                        + $"concatenation axis is {axis}.");
            }

            type = DTypes.Promote(type, array.Type);
            length = checked(length + array.Shape[at]);
        }

        if (arrays.Length == 1)
            return first;
        int[] shape = [.. first.Shape];
        shape[at] = length;
        var inputs = new Node[arrays.Length];
        for (int i = 0; i < inputs.Length; i++)
            inputs[i] = AsType(arrays[i], type);
        return Make(new Concatenate(at), shape, type, inputs);
    }

    /// <summary>All arrays flat, one after another.</summary>
    public static Node Concatenate(Node[] arrays) => Concatenate([.. arrays.Select(array => Flatten(array))], 0);

    /// <summary>Arrays of one shape along a new axis.</summary>
    public static Node Stack(Node[] arrays, int axis)
    {
        if (arrays.Length == 0)
            throw new ArgumentException("[stack] No arrays provided for stacking");
        foreach (Node array in arrays)
        {
            if (!array.Shape.AsSpan().SequenceEqual(arrays[0].Shape))
                throw new ArgumentException("[stack] All arrays must have the same shape");
        }

        int at = Axis("stack", axis, arrays[0].Rank + 1);
        return Concatenate([.. arrays.Select(array => ExpandDims(array, at))], at);
    }

    /// <summary>Equal parts along an axis: views. To be held before they are computed.</summary>
    public static ReadOnlySpan<Node> Split(Node a, int nParts, int axis)
    {
        int at = Axis("split", axis, a.Rank);
        if (nParts <= 0 || a.Shape[at] % nParts != 0)
            throw new ArgumentException(
                $"[split] Array split does not result in sub arrays with equal size: attempting {nParts} splits along "
                + $"axis {at} for shape {Text(a.Shape)}.");
        int length = a.Shape[at] / nParts;
        Span<int> indices = stackalloc int[nParts - 1];
        for (int i = 0; i < indices.Length; i++)
            indices[i] = (i + 1) * length;
        return Split(a, indices, axis);
    }

    /// <summary>Parts that end where the indices say: views. To be held before they are computed.</summary>
    public static ReadOnlySpan<Node> Split(Node a, scoped ReadOnlySpan<int> indices, int axis)
    {
        int at = Axis("split", axis, a.Rank);
        bool isCut = true;      // each place is in one part
        for (int i = 0; i < indices.Length; i++)
            isCut &= indices[i] >= (i == 0 ? 0 : indices[i - 1]) && indices[i] <= a.Shape[at];
        if (!isCut || !a.Type.IsInexact())
            return Parts(a, indices, at);
        int nParts = indices.Length + 1;
        int[][] shapes = ArrayPool<int[]>.Shared.Rent(nParts);
        mlx_dtype[] types = ArrayPool<mlx_dtype>.Shared.Rent(nParts);
        for (int i = 0; i < nParts; i++)
        {
            int start = i == 0 ? 0 : indices[i - 1], end = i < indices.Length ? indices[i] : a.Shape[at];
            shapes[i] = WithLength(a.Shape, at, end - start);
            types[i] = a.Type;
        }

        Operation split = Operation.New(
            Shared.Of(ValueTuple.Create(at), static key => new Split(key.Item1)), new(in a), shapes.AsSpan(0, nParts),
            types.AsSpan(0, nParts));
        ArrayPool<int[]>.Shared.Return(shapes, clearArray: true);
        ArrayPool<mlx_dtype>.Shared.Return(types);
        return split.Outputs;
    }

    private static Node[] Parts(Node a, ReadOnlySpan<int> indices, int at)
    {
        var starts = new int[a.Rank];
        int[] stops = [.. a.Shape];
        int[] steps = [.. Enumerable.Repeat(1, a.Rank)];
        var parts = new Node[indices.Length + 1];
        for (int i = 0; i < parts.Length; i++)
        {
            stops[at] = i < indices.Length ? indices[i] : a.Shape[at];
            parts[i] = Slice(a, starts, stops, steps);
            starts[at] = stops[at];
        }

        return parts;
    }

    /// <summary>Each element along an axis <paramref name="repeats"/> times.</summary>
    public static Node Repeat(Node a, int repeats, int axis)
    {
        int at = Axis("repeat", axis, a.Rank);
        if (repeats < 0)
            throw new ArgumentException("[repeat] Number of repeats cannot be negative");
        if (repeats == 0)
            return Full([0], Scalar(0, a.Type), a.Type);
        if (repeats == 1)
            return a;
        int[] shape = [.. a.Shape];
        Node wide = BroadcastTo(ExpandDims(a, at + 1), [.. shape[..(at + 1)], repeats, .. shape[(at + 1)..]]);
        shape[at] = checked(shape[at] * repeats);
        return Reshape(wide, shape);
    }

    /// <summary>The array beside itself, so many times along each of the last axes.</summary>
    public static Node Tile(Node a, int[] repetitions)
    {
        int rank = Math.Max(a.Rank, repetitions.Length);
        int[] shape = [.. Enumerable.Repeat(1, rank - a.Rank), .. a.Shape];
        int[] counts = [.. Enumerable.Repeat(1, rank - repetitions.Length), .. repetitions];
        if (counts.Any(count => count < 0))
            throw new ArgumentException($"[tile] Repetitions {Text(counts)} must not be negative.");
        List<int> expanded = [], broadcast = [], final = [];
        for (int axis = 0; axis < rank; axis++)
        {
            if (counts[axis] != 1)
            {
                expanded.Add(1);
                broadcast.Add(counts[axis]);
            }

            expanded.Add(shape[axis]);
            broadcast.Add(shape[axis]);
            final.Add(checked(counts[axis] * shape[axis]));
        }

        return Reshape(BroadcastTo(Reshape(a, [.. expanded]), [.. broadcast]), [.. final]);
    }

    /// <summary>Elements shifted along axes; what leaves one end comes in at the other.</summary>
    public static Node Roll(Node a, int[] shifts, int[] axes)
    {
        if (shifts.Length < axes.Length)
            throw new ArgumentException(
                $"[roll] At least one shift value per axis is required, {shifts.Length} provided for "
                    + $"{axes.Length} axes.");
        Node result = a;
        for (int i = 0; i < axes.Length; i++)
        {
            int at = Axis("roll", axes[i], a.Rank);
            int length = a.Shape[at];
            if (length == 0)
                continue;
            int cut = shifts[i] < 0 ? (int)(-(long)shifts[i] % length) : length - shifts[i] % length;
            ReadOnlySpan<Node> parts = Split(result, [cut], at);
            result = Concatenate([parts[1], parts[0]], at);
        }

        return result;
    }

    /// <summary>All elements shifted in row-major order.</summary>
    public static Node Roll(Node a, int shift) => Reshape(Roll(Flatten(a), [shift], [0]), a.Shape);

    /// <summary>A larger array around this one: of a value, or (<c>edge</c>) of the elements at the rim.</summary>
    public static Node Pad(Node a, int[] axes, int[] lows, int[] highs, Node value, string mode)
    {
        if (axes.Length != lows.Length || axes.Length != highs.Length)
            throw new ArgumentException(
                $"[pad] Invalid number of padding sizes passed to pad with axes of size {axes.Length}");
        int[] low = new int[a.Rank], shape = [.. a.Shape];
        for (int i = 0; i < axes.Length; i++)
        {
            int at = Axis("pad", axes[i], a.Rank);
            if (lows[i] < 0 || highs[i] < 0)
                throw new ArgumentException(
                    $"[pad] Invalid {(lows[i] < 0 ? "low" : "high")} padding size ({Math.Min(lows[i], highs[i])}) "
                        + "passed "
                    + $"to pad for axis {i}. Padding sizes must be non-negative");
            low[at] += lows[i];
            shape[at] = checked(shape[at] + lows[i] + highs[i]);
        }

        return mode switch
        {
            "constant" when value.Size != 1 =>
                throw new ArgumentException($"[pad] The padding value must be one element, not {value}."),
            "constant" => Make(new Pad(low), shape, a.Type, a, AsType(value, a.Type)),
            "edge" => PadEdges(a, low, shape),
            _ => throw new ArgumentException($"[pad] Invalid padding mode ({mode}) passed to pad"),
        };
    }

    // Every index outside falls on the nearest one inside, one axis after another.
    private static Node PadEdges(Node a, int[] lows, int[] shape)
    {
        Node padded = a;
        for (int axis = 0; axis < a.Rank; axis++)
        {
            int length = a.Shape[axis];
            if (shape[axis] == length)
                continue;
            if (length == 0)
                throw new ArgumentException($"[pad] Axis {axis} of {Text(a.Shape)} has no edge to repeat.");
            Node[] parts = Parts(padded, [1, length - 1], axis);
            Node first = length == 1 ? padded : parts[0], last = length == 1 ? padded : parts[2];
            int[] rim = [.. padded.Shape];
            var pieces = new List<Node>();
            if ((rim[axis] = lows[axis]) > 0)
                pieces.Add(BroadcastTo(first, [.. rim]));
            pieces.Add(padded);
            if ((rim[axis] = shape[axis] - length - lows[axis]) > 0)
                pieces.Add(BroadcastTo(last, [.. rim]));
            padded = Concatenate([.. pieces], axis);
        }

        return padded;
    }
}
