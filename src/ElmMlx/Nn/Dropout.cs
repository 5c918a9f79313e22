namespace ElmMlx.Nn;

/// <summary>Dropout of single elements, as mlx.nn.Dropout.</summary>
public sealed class Dropout : DropoutLayer
{
    /// <summary>A layer with the given probability.</summary>
    /// <param name="probability">Of an element to become zero, from 0 to below 1.</param>
    public Dropout(double probability = 0.5)
        : base(probability)
    {
    }

    /// <summary>Gives every dropout of a tree its own mask for the next forward pass.</summary>
    /// <param name="model">The tree.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="pass">The number of the forward pass: with the seed it decides all masks.</param>
    public static void Reseed(Module model, ulong seed, long pass)
    {
        ulong state = Mix(Mix(seed) + (ulong)pass);
        foreach ((_, Module module) in model.NamedModules())
            if (module is DropoutLayer dropout)
                dropout.Seed(Mix(++state));
    }

    private protected override int[] MaskShape(int[] shape) => shape;

    // SplitMix64's finaliser: neighbouring numbers become independent ones.
    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
