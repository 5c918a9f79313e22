namespace ElmMlx.Preference;

/// <summary>Which loss; defaults are TRL's.</summary>
public sealed record PreferenceLossOptions
{
    /// <summary>The loss.</summary>
    public PreferenceLossKind Kind { get; init; }

    /// <summary>
    /// How much a difference of log-probabilities counts: the larger, the nearer the model stays to the reference.
    /// </summary>
    public double Beta { get; init; } = 0.1;

    /// <summary>The share ε of pairs that are taken to be the wrong way round; of the sigmoid loss only.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>Throws where a number is impossible.</summary>
    /// <exception cref="ArgumentException">One is; says which, and what it must be.</exception>
    public void Check()
    {
        if (!(Beta > 0 && double.IsFinite(Beta)))
            throw new ArgumentException(FormattableString.Invariant($"beta is {Beta}; it must be above 0."));
        if (LabelSmoothing is not (>= 0 and < 0.5))
            throw new ArgumentException(FormattableString.Invariant(
                $"label_smoothing is {LabelSmoothing}; it must be from 0 up to, not including, 0.5."));
        if (LabelSmoothing > 0 && Kind == PreferenceLossKind.Hinge)
            throw new ArgumentException(
                "The hinge loss has no label_smoothing; leave it out, or take the sigmoid loss.");
    }
}
