namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>All arrays in the shape where they meet.</summary>
    public static Node[] BroadcastArrays(Node[] arrays)
    {
        int[] shape = [];
        foreach (Node array in arrays)
            shape = BroadcastShapes("broadcast_shapes", shape, array.Shape);
        return [.. arrays.Select(array => BroadcastTo(array, shape))];
    }

    /// <summary>
    /// All arrays of one rank in the shape where they meet, but each with its own length along one axis.
    /// </summary>
    internal static Node[] BroadcastArraysExcept(string operation, Node[] arrays, int axis)
    {
        int[] shape = [1];
        foreach (Node array in arrays)
            shape = BroadcastShapes(operation, shape, WithLength(array.Shape, axis, 1));
        return [.. arrays.Select(array => BroadcastTo(array, WithLength(shape, axis, array.Shape[axis])))];
    }

    /// <summary>Arrays as the axes of a grid.</summary>
    public static Node[] MeshGrid(Node[] arrays, bool isSparse, string indexing)
    {
        if (indexing is not ("xy" or "ij"))
            throw new ArgumentException("[meshgrid] Invalid indexing value. Valid values are 'xy' and 'ij'.");
        var outputs = new Node[arrays.Length];
        for (int i = 0; i < arrays.Length; i++)
        {
            bool swaps = indexing == "xy" && arrays.Length > 1 && i < 2;
            int[] shape = [.. Enumerable.Repeat(1, arrays.Length)];
            shape[swaps ? 1 - i : i] = checked((int)arrays[i].Size);
            outputs[i] = Reshape(arrays[i], shape);
        }

        return isSparse ? outputs : BroadcastArrays(outputs);
    }

    /// <summary>At least <paramref name="rank"/> (1 to 3) axes, where MLX puts the new ones.</summary>
    public static Node AtLeast(Node a, int rank)
    {
        if (a.Rank >= rank)
            return a;
        return (rank, a.Rank) switch
        {
            (1, _) => Reshape(a, [1]),
            (2, 0) => Reshape(a, [1, 1]),
            (2, _) => Reshape(a, [1, a.Shape[0]]),
            (_, 0) => Reshape(a, [1, 1, 1]),
            (_, 1) => Reshape(a, [1, a.Shape[0], 1]),
            _ => Reshape(a, [a.Shape[0], a.Shape[1], 1]),
        };
    }

    /// <summary>The shape with another length along one axis; a shared array.</summary>
    private static int[] WithLength(int[] shape, int axis, int length)
    {
        Span<int> lengths = stackalloc int[shape.Length];
        shape.CopyTo(lengths);
        lengths[axis] = length;
        return Interned.Of(lengths);
    }
}
