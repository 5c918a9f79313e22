namespace ElmMlx.Generation;

/// <summary>How far the prompt is processed.</summary>
/// <param name="Done">Tokens processed.</param>
/// <param name="Total">Tokens of the prompt.</param>
public readonly record struct PrefillProgress(int Done, int Total);
