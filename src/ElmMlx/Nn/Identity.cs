namespace ElmMlx.Nn;

/// <summary>Its input: holds a layer's place.</summary>
public sealed class Identity : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => x;
}
