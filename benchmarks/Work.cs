namespace ElmMlx.Benchmarks;

/// <summary>The least that an operation has to do.</summary>
/// <param name="Bytes">Read from memory and written to it.</param>
/// <param name="Flops">float32 operations; a multiply-add counts two.</param>
public readonly record struct Work(double Bytes, double Flops);
