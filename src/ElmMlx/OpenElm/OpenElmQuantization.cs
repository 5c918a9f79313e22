namespace ElmMlx.OpenElm;

/// <summary>
/// The <c>quantization</c> object of a model folder. Which matrices are quantised is seen from the tensors themselves
/// (a <c>scales</c> beside the <c>weight</c>); this says with which numbers.
/// </summary>
/// <param name="Default">For every matrix without an entry of its own.</param>
/// <param name="Overrides">
/// By module path as the file writes it (<c>transformer.layers.3.ffn.proj_2</c>); null keeps that module as it is.
/// </param>
public sealed record OpenElmQuantization(
    QuantizationSettings Default, IReadOnlyDictionary<string, QuantizationSettings?> Overrides)
{
    private const string Prefix = "transformer.";

    /// <summary>The same numbers for every matrix.</summary>
    public OpenElmQuantization(QuantizationSettings settings)
        : this(settings, new Dictionary<string, QuantizationSettings?>())
    {
    }

    /// <summary>The numbers for a module path, with or without the prefix <c>transformer.</c>.</summary>
    public QuantizationSettings For(string path)
    {
        string other = path.StartsWith(Prefix, StringComparison.Ordinal) ? path[Prefix.Length..] : Prefix + path;
        if (Overrides.TryGetValue(path, out var settings) || Overrides.TryGetValue(other, out settings))
            return settings ?? Default;
        return Default;
    }
}
