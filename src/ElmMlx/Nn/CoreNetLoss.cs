namespace ElmMlx.Nn;

/// <summary>The parts of <see cref="Losses.CoreNet"/>; scalars.</summary>
/// <param name="Total">The sum of both parts: what is trained on.</param>
/// <param name="CrossEntropy">The mean cross-entropy of the targets that count.</param>
/// <param name="ZLoss">The z-loss.</param>
public readonly record struct CoreNetLoss(MlxArray Total, MlxArray CrossEntropy, MlxArray ZLoss);
