namespace ElmMlx.Nn;

/// <summary>A module from one array to one array: what stands in a <see cref="Sequential"/>.</summary>
public abstract class UnaryLayer : Module
{
    /// <summary>Computes the layer.</summary>
    /// <param name="x">Its shape is the layer's to say.</param>
    public abstract MlxArray Forward(MlxArray x);
}
