using ElmMlx.Datasets;

namespace ElmMlx.Preference;

/// <summary>Two answers to one prompt. In each row the answer counts, and what ends it; the prompt does not.</summary>
/// <param name="Chosen">The prompt and the answer that is preferred.</param>
/// <param name="Rejected">The prompt and the other answer.</param>
public sealed record PreferencePair(TokenRow Chosen, TokenRow Rejected)
{
    /// <summary>Tokens of the longer row.</summary>
    public int Length => Math.Max(Chosen.Length, Rejected.Length);
}
