using System.Text.RegularExpressions;

namespace ElmMlx.Checkpoints;

/// <summary>
/// One entry of CoreNet's <c>model.lora.config</c>: which modules have an adapter, and with which numbers.
/// </summary>
/// <param name="Pattern">A regular expression that matches the module's path from its beginning.</param>
/// <param name="Rank">r, the inner size.</param>
/// <param name="Alpha">The numerator of the scale.</param>
/// <param name="RankStabilised">Whether the scale is alpha / √r instead of alpha / r.</param>
/// <param name="UseDora">Whether a magnitude vector belongs to it.</param>
/// <param name="Dropout">Probability in training.</param>
internal sealed record CoreNetLoraRule(
    string Pattern, int Rank, double Alpha, bool RankStabilised, bool UseDora, double Dropout)
{
    public double Scale => Alpha / (RankStabilised ? Math.Sqrt(Rank) : Rank);

    /// <summary>Whether the module is one of this rule's, as Python's <c>re.match</c> decides.</summary>
    /// <exception cref="InvalidDataException">The pattern cannot be understood without backtracking.</exception>
    public bool Matches(string module)
    {
        try
        {
            return Regex.IsMatch(
                module, @"\A(?:" + Pattern + ")", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new InvalidDataException($"The regular expression '{Pattern}' in model.lora.config is not " +
                "understood.", e);
        }
    }
}
