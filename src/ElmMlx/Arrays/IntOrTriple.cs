namespace ElmMlx;

/// <summary>A number for depth, one for height and one for width; a single number stands for all.</summary>
/// <param name="First">Along the depth.</param>
/// <param name="Second">Along the height.</param>
/// <param name="Third">Along the width.</param>
public readonly record struct IntOrTriple(int First, int Second, int Third)
{
    /// <summary>One number for all three.</summary>
    public static implicit operator IntOrTriple(int all) => new(all, all, all);

    /// <summary>Depth, height and width.</summary>
    public static implicit operator IntOrTriple((int First, int Second, int Third) triple) =>
        new(triple.First, triple.Second, triple.Third);

    internal int[] ToArray() => [First, Second, Third];
}
