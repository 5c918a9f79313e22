namespace ElmMlx.Nn;

/// <summary>Stretches the axes of space, those between the first and the last, as mlx.nn.Upsample.</summary>
public sealed class Upsample : UnaryLayer
{
    private readonly double[] _scaleFactor;
    private readonly UpsampleMode _mode;
    private readonly bool _alignCorners;

    /// <summary>A layer; it has no parameters.</summary>
    /// <param name="scaleFactor">How many times longer every axis becomes; the length is rounded down.</param>
    /// <param name="mode">What stands between the places.</param>
    /// <param name="alignCorners">
    /// Whether first and last place of input and result fall together; else their outer edges do.
    /// </param>
    public Upsample(double scaleFactor, UpsampleMode mode = UpsampleMode.Nearest, bool alignCorners = false)
        : this([scaleFactor], mode, alignCorners)
    {
    }

    /// <summary>A layer with a factor of its own for each axis of space.</summary>
    /// <inheritdoc cref="Upsample(double, UpsampleMode, bool)"/>
    public Upsample(
        ReadOnlySpan<double> scaleFactor, UpsampleMode mode = UpsampleMode.Nearest, bool alignCorners = false)
    {
        foreach (double factor in scaleFactor)
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(factor, nameof(scaleFactor));
        (_scaleFactor, _mode, _alignCorners) = (scaleFactor.ToArray(), mode, alignCorners);
    }

    /// <summary>Stretches the axes of space.</summary>
    /// <param name="x">[B, …, C], at least one axis between them.</param>
    /// <returns>[B, …, C].</returns>
    /// <exception cref="ArgumentException">
    /// There is no axis of space, or another number of them than of factors.
    /// </exception>
    public override MlxArray Forward(MlxArray x)
    {
        int space = x.Rank - 2;
        if (space < 1 || (_scaleFactor.Length != 1 && _scaleFactor.Length != space))
            throw new ArgumentException(
                $"the input is {x.Describe()} and has {Math.Max(space, 0)} axes of space: there must be one or more, " +
                $"as many as scale factors ({_scaleFactor.Length})", nameof(x));
        for (int axis = 1; axis <= space; axis++)
            x = Stretch(x, axis, _scaleFactor[_scaleFactor.Length == 1 ? 0 : axis - 1]);
        return x;
    }

    // Each place of the result is a weighted sum of a few places of the input, and axes follow one after the other.
    private MlxArray Stretch(MlxArray x, int axis, double scale)
    {
        int length = x.Dim(axis), stretched = (int)(scale * length);
        if (_mode is UpsampleMode.Nearest)
            return x.Take(Indices(UpsampleGrid.Nearest(length, stretched)), axis);
        float[] places = UpsampleGrid.Places(length, stretched, scale, _alignCorners);
        (float[] Places, float[] Weights)[] samples =
            _mode is UpsampleMode.Linear ? UpsampleGrid.Linear(places, length) : UpsampleGrid.Cubic(places);
        int[] shape = [.. Enumerable.Repeat(1, x.Rank)];
        shape[axis] = stretched;
        MlxArray? sum = null;
        foreach ((float[] at, float[] weights) in samples)
        {
            int[] indices = [.. at.Select(place => (int)Math.Clamp(place, 0, length - 1))];
            MlxArray part = x.Take(Indices(indices), axis) * MlxArray.From<float>(weights, shape);
            sum = sum is null ? part : sum + part;
        }
        return sum!;
    }

    private static MlxArray Indices(int[] indices) => MlxArray.From<int>(indices);
}
