namespace ElmMlx.Checkpoints;

/// <summary>Which tool's adapter folder to write.</summary>
public enum AdapterFormat
{
    /// <summary>mlx-lm's: <c>adapters.safetensors</c>.</summary>
    MlxLm,

    /// <summary>PEFT's: <c>adapter_model.safetensors</c>.</summary>
    Peft,
}
