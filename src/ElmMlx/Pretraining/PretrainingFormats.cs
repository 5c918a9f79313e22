namespace ElmMlx.Pretraining;

/// <summary>The forms that the results of a run are written in.</summary>
[Flags]
public enum PretrainingFormats
{
    /// <summary>CoreNet's: <c>checkpoint_last.pt</c>, and its configuration beside it.</summary>
    CoreNet = 1,

    /// <summary>A model folder in mlx-lm's layout: <c>model</c>.</summary>
    ModelFolder = 2,
}
