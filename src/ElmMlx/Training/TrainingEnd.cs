namespace ElmMlx.Training;

/// <summary>Why a run ended.</summary>
public enum TrainingEnd
{
    /// <summary>All iterations are done.</summary>
    Finished,

    /// <summary>The validation loss has not fallen for as many evaluations as the patience allows.</summary>
    StoppedEarly,

    /// <summary>It was asked to stop, and can be resumed.</summary>
    Interrupted,
}
