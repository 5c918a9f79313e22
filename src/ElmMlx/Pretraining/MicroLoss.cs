namespace ElmMlx.Pretraining;

/// <summary>The loss of one <see cref="MicroBatch"/>.</summary>
/// <param name="Total">The sum of both parts.</param>
/// <param name="CrossEntropy">The mean over the targets that count.</param>
/// <param name="ZLoss">The z-loss.</param>
/// <param name="Tokens">Targets that count.</param>
internal readonly record struct MicroLoss(float Total, float CrossEntropy, float ZLoss, int Tokens);
