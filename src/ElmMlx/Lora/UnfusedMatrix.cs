namespace ElmMlx.Lora;

/// <summary>A matrix in which two models differ, and how well an adapter holds the difference.</summary>
/// <param name="Name">mlx-lm's name, for example <c>transformer.layers.3.attn.qkv_proj</c>.</param>
/// <param name="Rows">Rows of the matrix.</param>
/// <param name="Columns">Columns of the matrix.</param>
/// <param name="Change">The norm of the difference over the norm of the base's matrix.</param>
/// <param name="RelativeError">The norm of what the adapter leaves out over the norm of the difference.</param>
public sealed record UnfusedMatrix(string Name, int Rows, int Columns, double Change, double RelativeError)
{
    /// <summary>The share of the difference's squares that the adapter holds, from 0 to 1.</summary>
    public double Explained => Math.Max(0, 1 - RelativeError * RelativeError);
}
