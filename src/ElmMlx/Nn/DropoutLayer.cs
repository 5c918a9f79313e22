namespace ElmMlx.Nn;

/// <summary>
/// Sets parts of its input to zero with a probability and scales the others so that the mean stays; only in
/// training mode. Which ones follows from a seed that <see cref="Dropout.Reseed"/> sets: a layer that is computed
/// once more to save memory draws the same mask, and so does a run that is resumed.
/// </summary>
public abstract class DropoutLayer : UnaryLayer
{
    private ulong? _seed;

    private protected DropoutLayer(double probability)
    {
        if (!(probability is >= 0 and < 1))
            throw new ArgumentOutOfRangeException(
                nameof(probability), $"The dropout is {probability}; it must be at least 0 and below 1.");
        Probability = probability;
    }

    /// <summary>Of a part to become zero.</summary>
    public double Probability { get; }

    /// <summary>The input, or in training mode the input with some parts zero.</summary>
    /// <param name="x">Its shape is the layer's to say.</param>
    /// <exception cref="ArgumentException">The input has another number of axes than the layer takes.</exception>
    /// <exception cref="InvalidOperationException">In training mode, when no seed was set.</exception>
    public sealed override MlxArray Forward(MlxArray x)
    {
        int[] mask = MaskShape(x.Shape);
        if (!IsTraining || Probability == 0)
            return x;
        ulong seed = _seed ?? throw new InvalidOperationException(
            "A dropout in training mode draws its mask from a seed: call Dropout.Reseed before the forward pass.");
        return x * MlxRandom.Bernoulli(1 - Probability, mask, MlxRandom.Key(seed)) * (float)(1 / (1 - Probability));
    }

    internal void Seed(ulong seed) => _seed = seed;

    /// <summary>The shape of the mask that the input is multiplied by.</summary>
    private protected abstract int[] MaskShape(int[] shape);

    /// <summary>One number of the mask for each channel of each picture: the axes before the last are 1.</summary>
    private protected static int[] ChannelMask(int[] shape, int spatialAxes)
    {
        if (shape.Length != spatialAxes + 1 && shape.Length != spatialAxes + 2)
            throw new ArgumentException(
                $"the input is {Shapes.Text(shape)}: this dropout takes {spatialAxes} axes of space and one of " +
                "channels, with or without a batch axis before them");
        int[] mask = [.. shape];
        mask.AsSpan(shape.Length - 1 - spatialAxes, spatialAxes).Fill(1);
        return mask;
    }
}
