namespace ElmMlx.Nn;

/// <summary>What recurrent layers share.</summary>
internal static class Recurrence
{
    /// <summary><c>x · Wᵀ + b</c> of a whole sequence at once.</summary>
    public static MlxArray Project(MlxArray x, Parameter weight, Parameter? bias) =>
        bias is null ? x.MatMul(weight.Transposed) : bias.Value.AddMm(x, weight.Transposed);

    /// <summary>Element t of a sequence: […, L, D] to […, D].</summary>
    public static MlxArray At(MlxArray sequence, int t) => sequence[ArrayIndex.Ellipsis, t, ..];
}
