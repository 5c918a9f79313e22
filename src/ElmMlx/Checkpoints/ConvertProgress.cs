namespace ElmMlx.Checkpoints;

/// <summary>How far a conversion is.</summary>
/// <param name="Step">What is being done, in a word or two.</param>
/// <param name="Done">Bytes of the input that are converted.</param>
/// <param name="Total">Bytes of the input.</param>
public readonly record struct ConvertProgress(string Step, long Done, long Total);
