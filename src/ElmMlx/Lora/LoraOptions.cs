namespace ElmMlx.Lora;

/// <summary>Which adapters to put on a model that is to be trained. The defaults are mlx-lm's.</summary>
public sealed record LoraOptions
{
    /// <summary>Adapters of which kind, or none: the weights themselves.</summary>
    public FineTuneType Type { get; init; }

    /// <summary>r, the inner size.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>Factor of the adapter's part; multiplies directly. <see cref="ScaleOf"/> converts.</summary>
    public double Scale { get; init; } = 20;

    /// <summary>Probability of dropout before A, from 0 to below 1.</summary>
    public double Dropout { get; init; }

    /// <summary>
    /// Names of modules within a layer (<c>attn.qkv_proj</c>), or whole names outside the layers
    /// (<c>transformer.token_embeddings</c>); null for every matrix of the layers.
    /// </summary>
    public IReadOnlyList<string>? Keys { get; init; }

    /// <summary>
    /// Instead of keys, a regular expression that is looked for in whole names
    /// (<c>transformer.layers.3.attn.qkv_proj</c>).
    /// </summary>
    public string? Pattern { get; init; }

    /// <summary>The last so many layers (<c>num_layers</c>); 0 or less: all.</summary>
    public int LayerCount { get; init; } = 16;

    /// <summary>Decides the random numbers that the adapters begin with.</summary>
    public ulong Seed { get; init; }

    /// <summary>The factor that other tools write as an alpha.</summary>
    /// <param name="alpha">Its numerator.</param>
    /// <param name="rank">r.</param>
    /// <param name="rankStabilised">Whether the denominator is √r instead of r.</param>
    public static double ScaleOf(double alpha, int rank, bool rankStabilised) =>
        alpha / (rankStabilised ? Math.Sqrt(rank) : rank);
}
