namespace ElmMlx.Checkpoints;

/// <summary>Takes the next elements of a tensor.</summary>
internal delegate void TensorSink(string name, ReadOnlySpan<byte> bytes);
