namespace ElmMlx.Evaluation;

/// <summary>How far a measurement is.</summary>
/// <param name="Done">Items that are measured.</param>
/// <param name="Total">All items.</param>
public readonly record struct EvaluationProgress(int Done, int Total);
