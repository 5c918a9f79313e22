namespace ElmMlx.Preference;

/// <summary>
/// Losses of preference tuning, of z: how much more than the reference the model prefers the chosen answer.
/// </summary>
public enum PreferenceLossKind
{
    /// <summary><c>−ln σ(β z)</c>.</summary>
    Sigmoid,

    /// <summary><c>max(0, 1 − β z)</c>, that of OpenELM-Instruct.</summary>
    Hinge,
}
