namespace ElmMlx.Nn;

/// <summary>Rotary position encoding, as mlx.nn.RoPE (Su et al. 2021, arXiv:2104.09864).</summary>
public sealed class Rope : UnaryLayer
{
    private readonly int _dims;
    private readonly bool _traditional;
    private readonly float _base;
    private readonly float _scale;

    /// <summary>A layer; it has no parameters.</summary>
    /// <param name="dims">How many features are rotated; the others stay as they are.</param>
    /// <param name="traditional">Rotates pairs of neighbours, not of halves.</param>
    /// <param name="base">The base of the frequencies.</param>
    /// <param name="scale">Positions are multiplied by it.</param>
    public Rope(int dims, bool traditional = false, float @base = 10000, float scale = 1) =>
        (_dims, _traditional, _base, _scale) = (dims, traditional, @base, scale);

    /// <summary>Rotates the features of positions 0, 1, ….</summary>
    /// <param name="x">[…, L, D].</param>
    public override MlxArray Forward(MlxArray x) => Forward(x, 0);

    /// <summary>Rotates the features of positions offset, offset + 1, ….</summary>
    /// <param name="x">[…, L, D].</param>
    /// <param name="offset">The position of the first element.</param>
    public MlxArray Forward(MlxArray x, int offset) => Fast.Rope(x, _dims, _traditional, _base, _scale, offset);
}
