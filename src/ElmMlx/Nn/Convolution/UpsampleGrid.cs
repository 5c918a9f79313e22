namespace ElmMlx.Nn;

/// <summary>
/// Where the places of a stretched axis lie on the axis that it came from, and how its neighbours weigh. In float32, as
/// MLX computes them: which side of a tie a place falls on is decided by rounding.
/// </summary>
internal static class UpsampleGrid
{
    /// <summary>The nearest place of an axis of some length, for each of a stretched one.</summary>
    public static int[] Nearest(int length, int stretched)
    {
        float step = (float)((double)length / stretched);
        return [.. Enumerable.Range(0, stretched).Select(i => stretched > length
            ? Math.Clamp((int)MathF.Round((i + 0.5f) * step - 0.5f), 0, length - 1)
            : (int)(i * step))];
    }

    /// <summary>The places of a stretched axis, in steps of the axis that it came from.</summary>
    public static float[] Places(int length, int stretched, double scale, bool alignCorners)
    {
        double step = alignCorners ? stretched > 1 ? (length - 1.0) / (stretched - 1) : 0 : 1 / scale;
        double start = alignCorners ? 0 : ((stretched - 1) * step - length + 1) / 2;
        return [.. Enumerable.Range(0, stretched).Select(i => i * (float)step - (float)start)];
    }

    /// <summary>The two neighbours of each place, and their weights.</summary>
    public static (float[] Places, float[] Weights)[] Linear(float[] places, int length)
    {
        float[] inside = [.. places.Select(place => Math.Clamp(place, 0, length - 1))];
        return
        [
            ([.. inside.Select(MathF.Floor)], [.. inside.Select(place => 1 - (place - MathF.Floor(place)))]),
            ([.. inside.Select(MathF.Ceiling)], [.. inside.Select(place => place - MathF.Floor(place))]),
        ];
    }

    /// <summary>The four neighbours of each place, and their weights; neighbours may lie outside.</summary>
    public static (float[] Places, float[] Weights)[] Cubic(float[] places) =>
        [Neighbour(places, 0, Near), Neighbour(places, 1, Near), Neighbour(places, -1, Far), Neighbour(places, 2, Far)];

    private static (float[] Places, float[] Weights) Neighbour(float[] places, int offset, Func<float, float> weight)
    {
        float[] at = [.. places.Select(
            place => (offset >= 1 ? MathF.Floor(place + 1) - 1 : MathF.Floor(place)) + offset)];
        return (at, [.. places.Zip(at, (place, neighbour) => weight(Math.Abs(place - neighbour)))]);
    }

    // Keys' kernel at distances up to 1 and from 1 to 2.
    private const float A = -0.75f;

    private static float Near(float x) => ((A + 2) * x - (A + 3)) * x * x + 1;

    private static float Far(float x) => (((x - 5) * x + 8) * x - 4) * A;
}
