namespace ElmMlx;

/// <summary>A number for height and one for width; a single number stands for both.</summary>
/// <param name="First">Along the height.</param>
/// <param name="Second">Along the width.</param>
public readonly record struct IntOrPair(int First, int Second)
{
    /// <summary>One number for both.</summary>
    public static implicit operator IntOrPair(int both) => new(both, both);

    /// <summary>Height and width.</summary>
    public static implicit operator IntOrPair((int First, int Second) pair) => new(pair.First, pair.Second);

    internal int[] ToArray() => [First, Second];
}
