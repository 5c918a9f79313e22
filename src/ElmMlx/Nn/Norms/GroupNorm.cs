namespace ElmMlx.Nn;

/// <summary>
/// Normalisation of groups of channels of each example over space, as mlx.nn.GroupNorm
/// (Wu and He 2018, arXiv:1803.08494).
/// </summary>
public sealed class GroupNorm : AffineNorm
{
    private readonly int _numGroups;
    private readonly float _eps;
    private readonly bool _pytorchCompatible;

    /// <summary>A new norm.</summary>
    /// <param name="numGroups">Number of groups, G.</param>
    /// <param name="dims">Number of channels, C, a multiple of G.</param>
    /// <param name="eps">Added to variances.</param>
    /// <param name="affine">Whether the result is scaled by a learned weight [C] and moved by a bias [C].</param>
    /// <param name="pytorchCompatible">
    /// Neighbouring channels form a group, as PyTorch has it; else those that are G apart.
    /// </param>
    /// <exception cref="ArgumentException">C is no multiple of G.</exception>
    public GroupNorm(int numGroups, int dims, float eps = 1e-5f, bool affine = true, bool pytorchCompatible = false)
        : base(dims, eps, affine)
    {
        if (numGroups < 1 || dims % numGroups != 0)
            throw new ArgumentException(
                $"{dims} channels do not make {numGroups} groups of one size", nameof(numGroups));
        (_numGroups, _eps, _pytorchCompatible) = (numGroups, eps, pytorchCompatible);
    }

    /// <summary>Normalises space and the channels of each group.</summary>
    /// <param name="x">[B, …, C].</param>
    public override MlxArray Forward(MlxArray x) =>
        Scale((_pytorchCompatible ? Neighbours(x) : Strided(x)).Reshape(x.Shape));

    private MlxArray Strided(MlxArray x)
    {
        MlxArray groups = x.Reshape(x.Dim(0), -1, _numGroups);                                     // [B, n, G]
        return Normalize(groups, groups.Mean(1, keepDims: true), groups.Var(1, keepDims: true));
    }

    private MlxArray Neighbours(MlxArray x)
    {
        int batch = x.Dim(0), size = x.Dim(-1) / _numGroups;
        MlxArray groups = x.Reshape(batch, -1, _numGroups, size).SwapAxes(1, 2);                   // [B, G, …, C/G]
        groups = Fast.LayerNorm(groups.Reshape(batch, _numGroups, -1), null, null, _eps);
        return groups.Reshape(batch, _numGroups, -1, size).SwapAxes(1, 2);
    }
}
