namespace ElmMlx.Checkpoints;

/// <summary>What becomes of quantised matrices that an adapter is merged into.</summary>
public enum PackedMerge
{
    /// <summary>There must be none.</summary>
    Refuse,

    /// <summary>They become floating ones, and nothing of the adapter is lost; the others stay quantised.</summary>
    Float,

    /// <summary>They are quantised again with their own numbers; the report says what is lost.</summary>
    Requantize,
}
