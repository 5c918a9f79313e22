namespace ElmMlx.Nn;

/// <summary>
/// Sets elements to zero with a probability and scales the others so that the mean stays; only in training mode.
/// Which ones follows from a seed that <see cref="Reseed"/> sets: a layer that is computed once more to save
/// memory draws the same mask, and so does a run that is resumed.
/// </summary>
public sealed class Dropout : Module
{
    private ulong? _seed;

    /// <summary>A layer with the given probability.</summary>
    /// <param name="probability">Of an element to become zero, from 0 to below 1.</param>
    public Dropout(double probability)
    {
        if (!(probability is >= 0 and < 1))
            throw new ArgumentOutOfRangeException(
                nameof(probability), $"The dropout is {probability}; it must be at least 0 and below 1.");
        Probability = probability;
    }

    /// <summary>Of an element to become zero.</summary>
    public double Probability { get; }

    /// <summary>Gives every dropout of a tree its own mask for the next forward pass.</summary>
    /// <param name="model">The tree.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="pass">The number of the forward pass: with the seed it decides all masks.</param>
    public static void Reseed(Module model, ulong seed, long pass)
    {
        ulong state = Mix(Mix(seed) + (ulong)pass);
        foreach ((_, Module module) in model.NamedModules())
            if (module is Dropout dropout)
                dropout._seed = Mix(++state);
    }

    /// <summary>The input, or in training mode the input with some elements zero.</summary>
    /// <param name="x">[…].</param>
    /// <exception cref="InvalidOperationException">In training mode, when no seed was set.</exception>
    public MlxArray Forward(MlxArray x)
    {
        if (!IsTraining || Probability == 0)
            return x;
        ulong seed = _seed ?? throw new InvalidOperationException(
            "A dropout in training mode draws its mask from a seed: call Dropout.Reseed before the forward pass.");
        MlxArray mask = MlxRandom.Bernoulli(1 - Probability, x.Shape, MlxRandom.Key(seed));
        return x * mask * (float)(1 / (1 - Probability));
    }

    // SplitMix64's finaliser: neighbouring numbers become independent ones.
    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
