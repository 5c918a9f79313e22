namespace ElmMlx.Checkpoints;

/// <summary>What conversion writes.</summary>
public enum ConvertTarget
{
    /// <summary>A model folder in mlx-lm's layout.</summary>
    MlxLm,

    /// <summary>A model folder in the layout of CoreNet's MLX port.</summary>
    CoreNetPort,

    /// <summary>A model folder as Hugging Face's libraries write it: mlx-lm's layout, marked as PyTorch's.</summary>
    HuggingFace,

    /// <summary>A CoreNet checkpoint: one <c>.pt</c> file, and its configuration beside it.</summary>
    CoreNetCheckpoint,
}
