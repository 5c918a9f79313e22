using ElmMlx.Bindings;

namespace ElmMlx.Differential;

/// <summary>What a draft knows of a value.</summary>
internal sealed record Known(int Value, string Type, int[] Shape, mlx_array Array, bool IsConstant)
{
    public int Rank => Shape.Length;

    public int Size => Shape.Aggregate(1, (product, length) => product * length);

    public bool IsWhole => !Elements.IsInexact(Type);

    public static Known Of(int value, mlx_array array) => new(
        value,
        Mlx.mlx_array_dtype(array).ToString()["MLX_".Length..].ToLowerInvariant(),
        [.. Enumerable.Range(0, (int)Mlx.mlx_array_ndim(array)).Select(axis => Mlx.mlx_array_dim(array, axis))],
        array,
        false);
}
