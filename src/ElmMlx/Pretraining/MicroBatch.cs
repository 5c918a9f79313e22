namespace ElmMlx.Pretraining;

/// <summary>A batch that one forward pass takes.</summary>
/// <param name="Inputs">[B, L] int32.</param>
/// <param name="Targets">[B, L] int32, the padding's id where there is none.</param>
/// <param name="Tokens">Targets that count.</param>
internal readonly record struct MicroBatch(MlxArray Inputs, MlxArray Targets, int Tokens);
