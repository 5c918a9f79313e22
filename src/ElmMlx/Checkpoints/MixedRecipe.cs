using System.Globalization;
using ElmMlx.OpenElm;

namespace ElmMlx.Checkpoints;

/// <summary>
/// mlx-lm's mixed recipes for OpenELM, whose matrices have other names: <c>ffn.proj_2</c> is its down_proj,
/// <c>attn.qkv_proj</c> holds its v_proj, and a tied embedding is its lm_head. Those get more bits, the former two in
/// the first and last eighth of the layers and in every third one between.
/// </summary>
internal sealed record MixedRecipe(int LowBits, int HighBits)
{
    public static IReadOnlyList<string> Names { get; } = ["mixed_2_6", "mixed_3_4", "mixed_3_6", "mixed_4_6"];

    public static MixedRecipe Parse(string name) => name switch
    {
        "mixed_2_6" => new(2, 6),
        "mixed_3_4" => new(3, 4),
        "mixed_3_6" => new(3, 6),
        "mixed_4_6" => new(4, 6),
        _ => throw new ArgumentException($"The recipe '{name}' does not exist; use one of {string.Join(", ", Names)}."),
    };

    /// <summary>Bits for a module, by CoreNet's path.</summary>
    public int Bits(string module, OpenElmConfig config)
    {
        if (module == "classifier" || module == "token_embeddings" && config.TieEmbeddings)
            return HighBits;
        string[] parts = module.Split('.');
        if (parts.Length < 4 || parts[0] != "layers" || module is var path &&
            !path.EndsWith("ffn.proj_2", StringComparison.Ordinal)
                && !path.EndsWith("attn.qkv_proj", StringComparison.Ordinal))
            return LowBits;
        int index = int.Parse(parts[1], CultureInfo.InvariantCulture);
        int layers = config.Layers.Count;
        bool more = index < layers / 8 || index >= 7 * layers / 8 || (index - layers / 8) % 3 == 2;
        return more ? HighBits : LowBits;
    }
}
