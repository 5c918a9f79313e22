namespace ElmMlx.Nn;

/// <summary>Layers one after the other; <c>layers.0</c>, <c>layers.1</c> … are their names.</summary>
/// <example><code>
/// using var model = new Sequential(new Linear(784, 32), new Relu(), new Linear(32, 10));
/// </code></example>
public sealed class Sequential : UnaryLayer
{
    private readonly Child<UnaryLayer>[] _layers;

    /// <summary>A chain of layers, which it owns.</summary>
    public Sequential(params ReadOnlySpan<UnaryLayer> layers)
    {
        _layers = new Child<UnaryLayer>[layers.Length];
        for (int i = 0; i < layers.Length; i++)
            _layers[i] = AddChild($"layers.{i}", layers[i]);
    }

    /// <summary>The last layer of the last but one … of the first of x.</summary>
    /// <param name="x">What the first layer takes.</param>
    public override MlxArray Forward(MlxArray x)
    {
        foreach (Child<UnaryLayer> layer in _layers)
            x = layer.Module.Forward(x);
        return x;
    }
}
