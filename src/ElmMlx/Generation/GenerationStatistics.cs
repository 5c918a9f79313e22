namespace ElmMlx.Generation;

/// <summary>What a run took.</summary>
/// <param name="PromptTokens">Tokens of the prompt that were processed.</param>
/// <param name="PromptSeconds">From the start to the first generated token.</param>
/// <param name="GeneratedTokens">Tokens generated so far, the one that ends generation included.</param>
/// <param name="GenerationSeconds">From the first generated token to the latest.</param>
/// <param name="PeakMemoryBytes">Most memory that arrays took at once.</param>
public sealed record GenerationStatistics(
    int PromptTokens, double PromptSeconds, int GeneratedTokens, double GenerationSeconds, long PeakMemoryBytes)
{
    /// <summary>Prompt tokens a second.</summary>
    public double PromptTokensPerSecond => PromptSeconds > 0 ? PromptTokens / PromptSeconds : 0;

    /// <summary>
    /// Generated tokens a second, the first one not counted in the time, as mlx-lm reports it.
    /// </summary>
    public double GeneratedTokensPerSecond => GenerationSeconds > 0 ? GeneratedTokens / GenerationSeconds : 0;
}
