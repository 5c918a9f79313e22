namespace ElmMlx.Checkpoints;

/// <summary>Input and output run on the same tokens, both in float32.</summary>
/// <param name="Tokens">Number of tokens.</param>
/// <param name="LargestDifference">Of a logit.</param>
/// <param name="LogitDeviation">Standard deviation of the input's logits, to judge the difference by.</param>
/// <param name="SameChoices">Positions at which both choose the same next token.</param>
public sealed record ConversionCheckResult(
    int Tokens, double LargestDifference, double LogitDeviation, int SameChoices);
