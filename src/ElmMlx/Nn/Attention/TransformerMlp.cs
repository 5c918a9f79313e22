namespace ElmMlx.Nn;

/// <summary>The two linear layers of a transformer's block: children of the block, not a module.</summary>
internal sealed record TransformerMlp(
    Child<LinearLayer> First, Child<LinearLayer> Second, Child<Dropout> Dropout, Func<MlxArray, MlxArray> Activation)
{
    /// <summary>[…, D] to […, D].</summary>
    public MlxArray Forward(MlxArray x) =>
        Second.Module.Forward(Dropout.Module.Forward(Activation(First.Module.Forward(x))));
}
