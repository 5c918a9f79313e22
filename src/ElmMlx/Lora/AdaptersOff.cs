using ElmMlx.Nn;

namespace ElmMlx.Lora;

/// <summary>While it lives, a model answers as if it had no adapters: the reference of preference tuning.</summary>
public sealed class AdaptersOff : IDisposable
{
    private readonly (LowRank LowRank, bool WasOff)[] _former;

    /// <summary>Turns the adapters of a model off. Where whole weights were trained there are none.</summary>
    /// <param name="model">The model.</param>
    public AdaptersOff(Module model)
    {
        _former = [.. model.NamedModules().Select(entry => entry.Module).OfType<IAdapterLayer>()
            .Select(layer => (layer.LowRank, layer.LowRank.IsOff))];
        foreach ((LowRank lowRank, _) in _former)
            lowRank.IsOff = true;
    }

    /// <summary>Turns those on again that were on.</summary>
    public void Dispose()
    {
        foreach ((LowRank lowRank, bool wasOff) in _former)
            lowRank.IsOff = wasOff;
    }
}
