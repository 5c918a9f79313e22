using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>The golden data's functions of several operations, as its README defines them.</summary>
internal static class GoldenComposites
{
    /// <summary>The scalar function that <paramref name="operation"/> names.</summary>
    public static Func<mlx_array[], mlx_array> Function(NativeArena arena, string operation) => operation switch
    {
        "composite_cross_entropy" => x => CrossEntropy(arena, x[0], x[1]),
        "composite_lora_loss" => x => LoraLoss(arena, x),
        "composite_swiglu_block" => x => SwigluBlock(arena, x),
        "composite_x3_sin" => x => Sum(arena, Multiply(
            arena, Multiply(arena, Multiply(arena, x[0], x[0]), x[0]), Call(arena, "sin", x[0]))),
        "composite_logsumexp" => x => Call(arena, "logsumexp", x[0]),
        "composite_exp_sigmoid" => x => Sum(arena, Multiply(
            arena, Call(arena, "exp", x[0]), Call(arena, "sigmoid", x[0]))),
        "composite_softmax_square" => x => Sum(arena, Call(
            arena, "square", CFunction.Call(arena, "softmax_axis", [x[0]], """{"axis": -1}"""))),
        _ => throw new NotSupportedException(operation),
    };

    /// <summary>[1, 2, …, 7] as float32, the weights of second derivatives.</summary>
    public static mlx_array OneToSeven(NativeArena arena) =>
        CFunction.Call(arena, "arange", [], """{"start": 1, "stop": 8, "step": 1, "dtype": "float32"}""");

    /// <summary>A float32 of rank 0.</summary>
    public static mlx_array Scalar(NativeArena arena, float value) => arena.Keep(Mlx.mlx_array_new_float32(value));

    public static mlx_array Multiply(NativeArena arena, mlx_array a, mlx_array b) => Call(arena, "multiply", a, b);

    public static mlx_array Sum(NativeArena arena, mlx_array a) => Call(arena, "sum", a);

    private static mlx_array CrossEntropy(NativeArena arena, mlx_array logits, mlx_array targets)
    {
        mlx_array total = CFunction.Call(arena, "logsumexp_axis", [logits], """{"axis": -1, "keepdims": true}""");
        mlx_array logProbabilities = Call(arena, "subtract", logits, total);
        mlx_array column = CFunction.Call(arena, "expand_dims", [targets], """{"axis": -1}""");
        mlx_array chosen = CFunction.Call(arena, "take_along_axis", [logProbabilities, column], """{"axis": -1}""");
        return Call(arena, "negative", Call(arena, "mean", chosen));
    }

    // x, w, a, b, t: cross entropy of x wᵀ + 2 ((x a) b)
    private static mlx_array LoraLoss(NativeArena arena, mlx_array[] x)
    {
        mlx_array low = MatMul(arena, MatMul(arena, x[0], x[2]), x[3]);
        mlx_array twice = Call(arena, "add", low, low);
        mlx_array logits = Call(arena, "add", MatMulTransposed(arena, x[0], x[1]), twice);
        return CrossEntropy(arena, logits, x[4]);
    }

    // x, w1, w2, g: with [p, q] = halves of rms_norm(x, g) w1ᵀ, mean((x + (p σ(p) q) w2ᵀ)²)
    private static mlx_array SwigluBlock(NativeArena arena, mlx_array[] x)
    {
        mlx_array normed = CFunction.Call(arena, "fast_rms_norm", [x[0], x[3]], """{"eps": 1e-6}""");
        mlx_array projected = MatMulTransposed(arena, normed, x[1]);
        using var split = System.Text.Json.JsonDocument.Parse("""{"num_splits": 2, "axis": -1}""");
        mlx_array[] halves = CFunction.Of("split").Call(arena, [projected], split.RootElement);
        mlx_array gated = Multiply(
            arena, Multiply(arena, halves[0], Call(arena, "sigmoid", halves[0])), halves[1]);
        mlx_array output = Call(arena, "add", x[0], MatMulTransposed(arena, gated, x[2]));
        return Call(arena, "mean", Call(arena, "square", output));
    }

    private static mlx_array MatMul(NativeArena arena, mlx_array a, mlx_array b) => Call(arena, "matmul", a, b);

    private static mlx_array MatMulTransposed(NativeArena arena, mlx_array a, mlx_array b) =>
        MatMul(arena, a, Call(arena, "transpose", b));

    private static mlx_array Call(NativeArena arena, string operation, params object?[] inputs) =>
        CFunction.Call(arena, operation, inputs)[0];
}
