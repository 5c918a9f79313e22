namespace ElmMlx.Lora;

/// <summary>What is trained: mlx-lm's <c>fine_tune_type</c>.</summary>
public enum FineTuneType
{
    /// <summary>Low-rank adapters.</summary>
    Lora,

    /// <summary>Low-rank adapters, and the lengths of the rows.</summary>
    Dora,

    /// <summary>The weights themselves.</summary>
    Full,
}
