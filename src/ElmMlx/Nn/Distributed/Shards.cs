namespace ElmMlx.Nn;

/// <summary>A layer's arrays cut for the processes of a group.</summary>
internal static class Shards
{
    /// <summary>One process's part of an array.</summary>
    /// <param name="array">The whole array.</param>
    /// <param name="axis">The axis that is cut.</param>
    /// <param name="segments">
    /// How many parts of one size lie one after the other in the axis, each of which is cut: 3 where queries, keys and
    /// values share a matrix.
    /// </param>
    /// <param name="count">How many processes there are.</param>
    /// <param name="rank">Which of them this is, from 0.</param>
    /// <exception cref="ArgumentException">The axis does not divide.</exception>
    public static MlxArray Part(MlxArray array, int axis, int segments, int count, int rank)
    {
        int size = array.Dim(axis);
        if (size % (segments * count) != 0)
            throw new ArgumentException($"{size} does not divide into {segments} segments for {count} processes");
        MlxArray part = MlxArray.Concatenate(
            array.Split(segments, axis).Select(segment => segment.Split(count, axis)[rank]), axis).Contiguous();
        part.Eval();
        return part;
    }

    /// <summary>This process's part of an array.</summary>
    public static MlxArray Part(MlxArray array, int axis, int segments, DistributedGroup group) =>
        Part(array, axis, segments, group.Size, group.Rank);

    /// <summary>This process's part of a quantised matrix; cut columns must not cut a group of elements.</summary>
    public static PackedMatrix Part(PackedMatrix matrix, int axis, int segments, DistributedGroup group) => matrix with
    {
        Weight = Part(matrix.Weight, axis, segments, group),
        Scales = Part(matrix.Scales, axis, segments, group),
        Biases = matrix.Biases is { } biases ? Part(biases, axis, segments, group) : null,
    };

    /// <summary>A size's share of one process.</summary>
    /// <exception cref="ArgumentException">It does not divide.</exception>
    public static int Size(int size, DistributedGroup group) => size % group.Size == 0
        ? size / group.Size
        : throw new ArgumentException($"{size} does not divide among {group.Size} processes");

    /// <summary>x as it is; its cotangent is the sum of all processes'.</summary>
    public static MlxArray WithSummedGradient(MlxArray x, DistributedGroup group) => group.Size == 1
        ? x
        : Transforms.CustomFunction(
            arguments => arguments, vjp: (_, cotangents, _) => [group.AllSum(cotangents[0])])([x])[0];
}
