using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    private static readonly Reshape Reshaped = new("Reshape"), Flattened = new("Flatten"),
        Unflattened = new("Unflatten"), Expanded = new("ExpandDims"), Squeezed = new("Squeeze");

    /// <summary>Another shape of the same size; one length may be −1: what is left.</summary>
    public static Node Reshape(Node a, ReadOnlySpan<int> shape)
    {
        Span<int> lengths = stackalloc int[shape.Length];
        shape.CopyTo(lengths);
        int inferred = -1;
        long size = 1;
        for (int axis = 0; axis < shape.Length; axis++)
        {
            if (shape[axis] == -1)
            {
                if (inferred >= 0)
                    throw new ArgumentException("[reshape] Reshape can only infer one dimension.");
                inferred = axis;
            }
            else if (shape[axis] < 0)
            {
                throw new ArgumentException($"[reshape] Shape {Text(shape)} has a negative dimension.");
            }
            else
            {
                size *= shape[axis];
            }
        }

        if (inferred >= 0)
        {
            if (size == 0)
                throw new ArgumentException("[reshape] Cannot infer the shape of an empty array.");
            lengths[inferred] = checked((int)(a.Size / size));
            size *= lengths[inferred];
        }

        if (size != a.Size)
            throw new ArgumentException($"[reshape] Cannot reshape array of size {a.Size} into shape {Text(shape)}.");
        return WithShape(Reshaped, a, lengths);
    }

    /// <summary>Joins the axes from <paramref name="start"/> to <paramref name="end"/>, both counted in.</summary>
    public static Node Flatten(Node a, int start = 0, int end = -1)
    {
        if (a.Rank == 0)
            return Reshape(a, [1]);
        int first = Math.Max(0, start < 0 ? start + a.Rank : start);
        int last = Math.Min(a.Rank - 1, end < 0 ? end + a.Rank : end);
        if (last < first)
            throw new ArgumentException("[flatten] start_axis must be less than or equal to end_axis");
        if (first == last)
            return a;
        int length = 1;
        for (int axis = first; axis <= last; axis++)
            length = checked(length * a.Shape[axis]);
        Span<int> shape = stackalloc int[a.Rank - (last - first)];
        a.Shape.AsSpan(..first).CopyTo(shape);
        shape[first] = length;
        a.Shape.AsSpan((last + 1)..).CopyTo(shape[(first + 1)..]);
        return WithShape(Flattened, a, shape);
    }

    /// <summary>Cuts one axis into several; one length may be −1.</summary>
    public static Node Unflatten(Node a, int axis, int[] shape)
    {
        if (shape.Length == 0)
            throw new ArgumentException("[unflatten] Shape to unflatten to cannot be empty.");
        int at = Axis("unflatten", axis, a.Rank);
        int[] lengths = [.. shape];
        int inferred = Array.IndexOf(lengths, -1);
        if (inferred >= 0 && Array.IndexOf(lengths, -1, inferred + 1) >= 0)
            throw new ArgumentException("[unflatten] Can only infer one dimension.");
        long size = 1;
        for (int i = 0; i < lengths.Length; i++)
            size *= i == inferred ? 1 : lengths[i];
        if (inferred >= 0 && size > 0)
        {
            lengths[inferred] = checked((int)(a.Shape[at] / size));
            size *= lengths[inferred];
        }

        if (size != a.Shape[at] || lengths.Any(length => length < 0))
            throw new ArgumentException(
                $"[unflatten] Cannot unflatten axis {axis} with size {a.Shape[at]} into shape {Text(shape)}.");
        return lengths.Length == 1
            ? a
            : WithShape(Unflattened, a, [.. a.Shape[..at], .. lengths, .. a.Shape[(at + 1)..]]);
    }

    /// <summary>New axes of length 1 at these places of the result.</summary>
    public static Node ExpandDims(Node a, params ReadOnlySpan<int> axes)
    {
        int rank = a.Rank + axes.Length;
        Span<int> shape = stackalloc int[rank];
        foreach (int axis in axes)
        {
            int place = axis < 0 ? axis + rank : axis;
            if (place < 0 || place >= rank)
                throw new ArgumentException(
                    $"[expand_dims] Invalid axis {axis} for output array with {rank} dimensions.");
            shape[place]++;
        }

        if (shape.IndexOfAnyExceptInRange(0, 1) >= 0)
            throw new ArgumentException("[expand_dims] Received duplicate axes.");
        if (axes.Length == 0)
            return a;
        int from = 0;
        for (int place = 0; place < rank; place++)
        {
            if (shape[place] == 0)
                shape[place] = a.Shape[from++];
        }

        return WithShape(Expanded, a, shape);
    }

    /// <summary>Without these axes, which must have length 1.</summary>
    public static Node Squeeze(Node a, params ReadOnlySpan<int> axes)
    {
        Span<bool> goes = stackalloc bool[a.Rank];
        bool isTwice = false;
        foreach (int axis in axes)
        {
            int place = Axis("squeeze", axis, a.Rank);
            if (a.Shape[place] != 1)
                throw new ArgumentException(
                    $"[squeeze] Cannot squeeze axis {place} with size {a.Shape[place]} which is not equal to 1.");
            isTwice |= goes[place];
            goes[place] = true;
        }

        if (isTwice)
            throw new ArgumentException("[squeeze] Received duplicate axes.");
        if (axes.Length == 0)
            return a;
        Span<int> shape = stackalloc int[a.Rank - axes.Length];
        int to = 0;
        for (int axis = 0; axis < a.Rank; axis++)
        {
            if (!goes[axis])
                shape[to++] = a.Shape[axis];
        }

        return WithShape(Squeezed, a, shape);
    }

    /// <summary>Without all axes of length 1.</summary>
    public static Node SqueezeAll(Node a) =>
        Squeeze(a, [.. Enumerable.Range(0, a.Rank).Where(axis => a.Shape[axis] == 1)]);

    /// <summary>Axes in another order.</summary>
    public static Node Transpose(Node a, ReadOnlySpan<int> axes)
    {
        if (axes.Length != a.Rank)
            throw new ArgumentException(
                $"[transpose] Received {axes.Length} axes for array with {a.Rank} dimensions.");
        Span<int> order = stackalloc int[a.Rank], shape = stackalloc int[a.Rank];
        shape.Fill(-1);
        bool isOrdered = true;
        for (int axis = 0; axis < order.Length; axis++)
        {
            order[axis] = Axis("transpose", axes[axis], a.Rank);
            isOrdered &= order[axis] == axis;
        }

        foreach (int axis in order)
        {
            if (shape[axis] >= 0)
                throw new ArgumentException("[transpose] Repeat axes not allowed.");
            shape[axis] = 0;
        }

        if (isOrdered)
            return a;
        for (int axis = 0; axis < order.Length; axis++)
            shape[axis] = a.Shape[order[axis]];
        return Make(TransposeOf(Interned.Of(order)), shape, a.Type, a);
    }

    private static Transpose TransposeOf(int[] order) =>
        Shared.Of(ValueTuple.Create(order), static key => new Transpose(key.Item1));

    /// <summary>All axes in reverse order.</summary>
    public static Node Transpose(Node a)
    {
        Span<int> order = stackalloc int[a.Rank];
        for (int axis = 0; axis < a.Rank; axis++)
            order[axis] = a.Rank - 1 - axis;
        return Transpose(a, order);
    }

    public static Node SwapAxes(Node a, int axis1, int axis2)
    {
        Span<int> order = stackalloc int[a.Rank];
        for (int axis = 0; axis < a.Rank; axis++)
            order[axis] = axis;
        int first = Axis("swapaxes", axis1, a.Rank), second = Axis("swapaxes", axis2, a.Rank);
        (order[first], order[second]) = (order[second], order[first]);
        return Transpose(a, order);
    }

    public static Node MoveAxis(Node a, int source, int destination)
    {
        int from = Axis("moveaxis", source, a.Rank), to = Axis("moveaxis", destination, a.Rank);
        var order = new List<int>(Enumerable.Range(0, a.Rank));
        order.RemoveAt(from);
        order.Insert(to, from);
        return Transpose(a, CollectionsMarshal.AsSpan(order));
    }

    /// <summary>The elements in row-major order, seen through other strides.</summary>
    public static Node AsStrided(Node a, int[] shape, long[] strides, long offset)
    {
        if (shape.Length != strides.Length)
            throw new ArgumentException(
                $"[as_strided] {shape.Length} lengths and {strides.Length} strides do not go together.");
        long first = offset, last = offset;
        for (int axis = 0; axis < shape.Length; axis++)
        {
            long reach = (shape[axis] - 1L) * strides[axis];
            (first, last) = (first + Math.Min(reach, 0), last + Math.Max(reach, 0));
        }

        if (!shape.Contains(0) && (first < 0 || last >= a.Size))
            throw new ArgumentException(
                $"[as_strided] Elements {first} to {last} are not all in an array of {a.Size} elements.");
        Node rows = Contiguous(a);
        return Make(new AsStrided([.. strides], offset), shape, a.Type, rows);
    }

    /// <summary>The same bytes as another dtype.</summary>
    public static Node View(Node a, mlx_dtype type)
    {
        if (a.Type == type)
            return a;
        int from = a.Type.Size(), to = type.Size();
        if (from == to)
            return Make(Shared.Of<View>(), a.Shape, type, a);
        if (a.Rank == 0)
            throw new ArgumentException(
                "[view] Changing the type of a scalar is only allowed for types with the same size.");
        long lastAxisBytes = (long)a.Shape[^1] * from;
        if (lastAxisBytes % to != 0)
            throw new ArgumentException(
                "[view] When viewing as a larger dtype, the size in bytes of the last axis must be a multiple of "
                + "the requested type size.");
        return Make(Shared.Of<View>(), [.. a.Shape[..^1], checked((int)(lastAxisBytes / to))], type, a);
    }

    /// <summary>The same elements again, once <paramref name="dependencies"/> are computed too.</summary>
    public static Node[] Depends(Node[] inputs, Node[] dependencies) => Operation.New(
        Shared.Of<Depends>(), [.. inputs, .. dependencies],
        [.. inputs.Select(input => input.Shape)], [.. inputs.Select(input => input.Type)]).Outputs.ToArray();

    private static Node WithShape(Reshape primitive, Node a, ReadOnlySpan<int> shape) =>
        shape.SequenceEqual(a.Shape) ? a : Make(primitive, shape, a.Type, a);
}
