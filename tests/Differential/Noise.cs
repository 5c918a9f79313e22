using ElmMlx.Bindings;
using ElmMlx.Tests;

namespace ElmMlx.Differential;

/// <summary>Rounding errors of one unit in the last place or none, chosen at random.</summary>
internal sealed class Noise(int seed, bool isUniform)
{
    private readonly Random _random = new(seed);

    /// <summary>The array, disturbed where its dtype rounds; by one factor if <c>isUniform</c>.</summary>
    public mlx_array? Disturb(NativeArena arena, mlx_array array)
    {
        string type = Mlx.mlx_array_dtype(array).ToString()["MLX_".Length..].ToLowerInvariant();
        double epsilon = Elements.Epsilon(type);
        if (epsilon == 0)
            return null;
        int[] shape = isUniform
            ? []
            : [.. Enumerable.Range(0, (int)Mlx.mlx_array_ndim(array)).Select(axis => Mlx.mlx_array_dim(array, axis))];
        int n = shape.Aggregate(1, (product, length) => product * length);
        double[] factors = [.. Enumerable.Range(0, n).Select(_ => 1 + _random.Next(-1, 2) * epsilon)];
        byte[] bytes = type == "complex64"
            ? Elements.Encode("float32", [.. factors.SelectMany(x => (double[])[x, 0])])
            : Elements.Encode(type, factors);
        mlx_array factor = arena.New(new GoldenTensor(GoldenTensors.TypeOf(type), shape, bytes));
        return CFunction.Call(arena, "multiply", array, factor)[0];
    }
}
