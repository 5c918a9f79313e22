namespace ElmMlx.Nn;

/// <summary>First values of parameters, in float32, from the process's random state.</summary>
internal static class Draw
{
    /// <summary>Evenly from ±<paramref name="limit"/>.</summary>
    public static MlxArray Even(double limit, params ReadOnlySpan<int> shape) =>
        MlxRandom.Uniform(shape, -limit, limit);
}
