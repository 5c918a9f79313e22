namespace ElmMlx.Checkpoints;

/// <summary>Which weights of a training checkpoint to take.</summary>
public enum WeightsChoice
{
    /// <summary>The model's own: <c>model_state_dict</c>.</summary>
    Model,

    /// <summary>Their moving average: <c>ema_state_dict</c>.</summary>
    Ema,
}
