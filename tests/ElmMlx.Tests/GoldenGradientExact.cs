using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>
/// Gradients computed more precisely than the case's dtype. MLX sums those of half precision in half precision, and
/// those of scales over many products; like the golden data's own <c>exact</c>, what lies between its number and the
/// truth passes.
/// </summary>
internal static class GoldenGradientExact
{
    /// <summary>The gradients in float32 or float64; null where MLX's own are the only judge.</summary>
    public static GoldenTensor[]? Of(
        NativeArena arena, GoldenCase golden, mlx_array[] flat, int[] places, mlx_array[] cotangents,
        Func<mlx_array[], mlx_array[]> apply)
    {
        bool isQuantized = golden.Operation == "quantized_matmul";
        if (!isQuantized && !flat.Any(array => IsHalf(array)))
            return null;
        string type = isQuantized ? "float64" : "float32";
        mlx_array[] wide =
            [.. flat.Select(array => IsHalf(array) || isQuantized && IsFloat(array) ? Cast(array) : array)];
        (_, mlx_array[] gradients) = NativeGradients.Vjp(
            arena,
            primals =>
            {
                mlx_array[] all = [.. wide];
                for (int i = 0; i < places.Length; i++)
                    all[places[i]] = primals[i];
                return isQuantized ? [Product(arena, golden, all)] : apply(all);
            },
            [.. places.Select(i => wide[i])], [.. cotangents.Select(Cast)]);
        return [.. gradients.Select(arena.Read)];

        mlx_array Cast(mlx_array array) => CFunction.Call(arena, "astype", [array], $$"""{"dtype": "{{type}}"}""");
    }

    /// <summary>Null when each number lies between MLX's and the truth, the tolerance included.</summary>
    public static string? Difference(GoldenTensor got, GoldenTensor want, GoldenTensor truth, double rtol, double atol)
    {
        double[] g = got.Doubles(), w = want.Doubles(), t = truth.Doubles();
        for (int i = 0; i < g.Length; i++)
        {
            double tolerance = rtol * Math.Abs(w[i]) + atol;
            if (!(g[i] >= Math.Min(w[i], t[i]) - tolerance && g[i] <= Math.Max(w[i], t[i]) + tolerance))
                return $"[{i}] is {g[i]:g9}, not {w[i]:g9} nor the exact {t[i]:g9}";
        }

        return null;
    }

    // x · W or x · Wᵀ with the matrix in full, of float64 scales and biases.
    private static mlx_array Product(NativeArena arena, GoldenCase golden, mlx_array[] inputs)
    {
        int groupSize = golden.Arguments.GetProperty("group_size").GetInt32();
        int bits = golden.Arguments.GetProperty("bits").GetInt32();
        mlx_array scales = inputs[2], biases = inputs[3];
        mlx_array narrow = Call("astype", [scales], """{"dtype": "float32"}""");
        mlx_array numbers = Call("dequantize",
            [inputs[1], Call("ones_like", [narrow], "{}"), Call("zeros_like", [narrow], "{}"), null],
            $$"""{"group_size": {{groupSize}}, "bits": {{bits}}, "mode": "affine", "dtype": null}""");
        mlx_array matrix = Call("add", [
            Call("multiply", [Call("astype", [numbers], """{"dtype": "float64"}"""), Repeated(scales)], "{}"),
            Repeated(biases)], "{}");
        if (golden.Arguments.GetProperty("transpose").GetBoolean())
            matrix = Call("swapaxes", [matrix], """{"axis1": -1, "axis2": -2}""");
        return Call("matmul", [inputs[0], matrix], "{}");

        mlx_array Repeated(mlx_array array) =>
            Call("repeat_axis", [array], $$"""{"repeats": {{groupSize}}, "axis": -1}""");

        mlx_array Call(string operation, object?[] arguments, string json) =>
            CFunction.Call(arena, operation, arguments, json);
    }

    private static bool IsHalf(mlx_array array) =>
        Mlx.mlx_array_dtype(array) is mlx_dtype.MLX_FLOAT16 or mlx_dtype.MLX_BFLOAT16;

    private static bool IsFloat(mlx_array array) => Mlx.mlx_array_dtype(array) is mlx_dtype.MLX_FLOAT32;
}
