namespace ElmMlx.Lora;

/// <summary>Lengths of a matrix's rows, which DoRA learns.</summary>
internal static class RowNorms
{
    private const float Least = 1e-20f;     // instead of 0: a row of zeros over its length stays one

    /// <summary><c>√Σ w²</c> over the last axis, in float32.</summary>
    /// <param name="weight">[…, in].</param>
    /// <returns>[…].</returns>
    public static MlxArray Of(MlxArray weight) => weight.AsType(DType.Float32).Square().Sum(-1).Sqrt().Maximum(Least);
}
