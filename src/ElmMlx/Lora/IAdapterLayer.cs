namespace ElmMlx.Lora;

/// <summary>A layer with an adapter, whatever its kind.</summary>
internal interface IAdapterLayer
{
    /// <summary>Its low-rank part.</summary>
    LowRank LowRank { get; }

    /// <summary>Whether it has learned magnitudes too (DoRA).</summary>
    bool HasMagnitudes { get; }
}
