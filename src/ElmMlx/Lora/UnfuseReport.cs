namespace ElmMlx.Lora;

/// <summary>What unfusing found.</summary>
/// <param name="Matrices">Those that differ and have an adapter now.</param>
/// <param name="Unchanged">Number of matrices that do not differ.</param>
/// <param name="OtherTensors">Tensors that differ and are no matrices (norms), which no adapter can hold.</param>
public sealed record UnfuseReport(
    IReadOnlyList<UnfusedMatrix> Matrices, int Unchanged, IReadOnlyList<string> OtherTensors);
