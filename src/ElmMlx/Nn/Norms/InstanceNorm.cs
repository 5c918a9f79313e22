namespace ElmMlx.Nn;

/// <summary>
/// Normalisation of each channel of each example over space, as mlx.nn.InstanceNorm
/// (Ulyanov et al. 2016, arXiv:1607.08022).
/// </summary>
public sealed class InstanceNorm : AffineNorm
{
    /// <summary>A new norm.</summary>
    /// <param name="dims">Number of channels, C.</param>
    /// <param name="eps">Added to variances.</param>
    /// <param name="affine">Whether the result is scaled by a learned weight [C] and moved by a bias [C].</param>
    public InstanceNorm(int dims, float eps = 1e-5f, bool affine = false)
        : base(dims, eps, affine)
    {
    }

    /// <summary>Normalises the axes between the first and the last.</summary>
    /// <param name="x">[B, …, C].</param>
    public override MlxArray Forward(MlxArray x)
    {
        int[] space = [.. Enumerable.Range(1, Math.Max(x.Rank - 2, 0))];
        return Scale(Normalize(x, x.Mean(space, keepDims: true), x.Var(space, keepDims: true)));
    }
}
