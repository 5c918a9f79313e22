namespace ElmMlx.Optimizers;

/// <summary>The curve of a <see cref="CoreNetSchedule"/> after its warm-up.</summary>
public enum CoreNetScheduleKind
{
    /// <summary>Half a cosine from the peak to the final rate.</summary>
    Cosine,

    /// <summary>The peak stays.</summary>
    Fixed,

    /// <summary>A power of the share of updates that are left.</summary>
    Polynomial,
}
