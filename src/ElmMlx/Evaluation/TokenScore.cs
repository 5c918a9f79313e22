namespace ElmMlx.Evaluation;

/// <summary>What a model says of one token that follows.</summary>
/// <param name="LogProbability">Its natural logarithm, given the tokens before.</param>
/// <param name="IsGreedy">Whether the model holds no other token for likelier.</param>
internal readonly record struct TokenScore(float LogProbability, bool IsGreedy);
