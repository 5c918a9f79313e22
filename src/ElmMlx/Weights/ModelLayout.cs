namespace ElmMlx.Weights;

/// <summary>How a model folder is laid out.</summary>
public enum ModelLayout
{
    /// <summary>
    /// mlx-lm's and Hugging Face's: <c>model.safetensors</c> or shards, names begin with <c>transformer.</c>
    /// </summary>
    MlxLm,

    /// <summary>That of CoreNet's MLX port: <c>weights.safetensors</c>, names without prefix.</summary>
    CoreNet,
}
