using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>Every differentiable operation of float64, and what is made of them.</summary>
internal static class GradientCases
{
    private const string ConstantCondition = "MLX's jvp of where with a constant condition reads beyond the tangents";

    private const string NoTangent = "MLX has no jvp for this scan";

    private static readonly (string Operation, double Low, double High)[] Unary =
    [
        ("abs", -2, 2), ("negative", -2, 2), ("sign", -2, 2), ("square", -2, 2), ("reciprocal", 0.3, 2),
        ("degrees", -2, 2), ("radians", -90, 90), ("exp", -2, 2), ("expm1", -2, 2), ("log", 0.2, 3), ("log2", 0.2, 3),
        ("log10", 0.2, 3), ("log1p", -0.7, 2), ("sin", -4, 4), ("cos", -4, 4), ("tan", -1.2, 1.2),
        ("arcsin", -0.8, 0.8), ("arccos", -0.8, 0.8), ("arctan", -3, 3), ("sinh", -2, 2), ("cosh", -2, 2),
        ("tanh", -2, 2), ("arcsinh", -3, 3), ("arccosh", 1.3, 3), ("arctanh", -0.8, 0.8), ("sigmoid", -4, 4),
        ("erf", -2, 2), ("erfinv", -0.8, 0.8), ("sqrt", 0.2, 3), ("rsqrt", 0.2, 3), ("floor", -2.3, 2.2),
        ("ceil", -2.3, 2.2), ("real", -2, 2), ("conjugate", -2, 2), ("imag", -2, 2),
    ];

    private static readonly (string Operation, double Low, double High)[] Binary =
    [
        ("add", -2, 2), ("subtract", -2, 2), ("multiply", -2, 2), ("divide", 0.4, 2), ("maximum", -2, 2),
        ("minimum", -2, 2), ("remainder", 0.7, 2.9), ("arctan2", 0.3, 2), ("logaddexp", -2, 2), ("power", 0.4, 2),
        ("floor_divide", 0.7, 2.9),
    ];

    private static readonly string[] ReductionsOfAll =
        ["sum", "prod", "max", "min", "mean", "var", "std", "logsumexp", "softmax"];

    private static readonly Lazy<Dictionary<string, GradientCase>> ByName = new(() =>
        All().ToDictionary(golden => golden.ToString(), StringComparer.Ordinal));

    /// <summary>Those that the loaded provider can pass.</summary>
    public static IEnumerable<string> Names =>
        ByName.Value.Values.Where(each => !TestProvider.IsMlx || each.WrongInMlx is null)
            .Select(each => each.ToString());

    public static GradientCase Of(string name) => ByName.Value[name];

    private static IEnumerable<GradientCase> All() =>
        [.. Elementwise(), .. Reductions(), .. Scans(), .. Orders(), .. Movements(), .. Products()];

    private static IEnumerable<GradientCase> Elementwise()
    {
        foreach ((string operation, double low, double high) in Unary)
            yield return new(operation, "{}", new GradientInput([2, 4], low, high));
        yield return new("round", """{"decimals": 0}""", new GradientInput([2, 4], -2.3, 2.2));
        foreach ((string operation, double low, double high) in Binary)
        {
            yield return new(
                operation, "{}", new GradientInput([2, 1, 3], low, high), new GradientInput([2, 3], low, high))
            { NoTangentInMlx = operation == "power" ? "MLX takes the base's tangent for the exponent too" : null };
        }

        yield return new("where", "{}",
            new GradientInput([6], 0, 2, MLX_BOOL), new GradientInput([2, 6], -2, 2), new GradientInput([6], -2, 2))
        { NoTangentInMlx = ConstantCondition };
        yield return new("clip", "{}",
            new GradientInput([8], -2, 2), new GradientInput([], -1.1, -0.9), new GradientInput([8], 0.8, 1));
        yield return new("full", """{"shape": [2, 3], "dtype": "float64"}""", new GradientInput([3], 0.5, 2))
        { WrongInMlx = "MLX multiplies the cotangent with the value" };
    }

    private static IEnumerable<GradientCase> Reductions()
    {
        GradientInput x = new([2, 3, 4], -2, 2);
        foreach (string operation in ReductionsOfAll)
        {
            string? noTangent = operation == "logsumexp" ? "MLX's jvp of logsumexp lacks the sum" : null;
            GradientCase Of(string suffix, string arguments) =>
                new(operation + suffix, arguments, x) { NoTangentInMlx = noTangent };
            yield return Of("", """{"keepdims": false}""");
            yield return Of("_axis", """{"axis": 1, "keepdims": true}""");
            yield return Of("_axis", """{"axis": -1, "keepdims": false}""");
            yield return Of("_axes", """{"axes": [0, 2], "keepdims": false}""");
            yield return Of("_axes", """{"axes": [1, 2], "keepdims": true}""");
        }

        yield return new("var_axes", """{"axes": [0, 1], "keepdims": false, "ddof": 1}""", x);
        yield return new("std_axis", """{"axis": 0, "keepdims": false, "ddof": 1}""", x);
        yield return new("trace", """{"offset": 1, "axis1": 0, "axis2": 2, "dtype": "float64"}""", x);
    }

    private static IEnumerable<GradientCase> Scans()
    {
        foreach (string operation in (string[])["cumsum", "cumprod", "logcumsumexp", "cummax", "cummin"])
        {
            foreach (string direction in (string[])["false", "true"])
            {
                foreach (string inclusive in (string[])["true", "false"])
                {
                    string arguments = $$"""{"axis": 1, "reverse": {{direction}}, "inclusive": {{inclusive}}}""";
                    yield return new(operation, arguments, new GradientInput([2, 5, 2], -1.5, 2))
                    {
                        WrongInMlx = operation is "cummax" or "cummin" ? "MLX has no gradient of them" : null,
                        NoTangentInMlx = operation == "cumsum" ? null : NoTangent,
                    };
                }
            }
        }
    }

    private static IEnumerable<GradientCase> Orders()
    {
        const string Permutation = "MLX's gradient of a sort is not the inverse permutation";
        const string Indices = "MLX asks for the gradient of its own scatter's indices";
        GradientInput x = new([3, 5], -2, 2);
        yield return new("sort_axis", """{"axis": 1}""", x) { WrongInMlx = Permutation };
        yield return new("sort_axis", """{"axis": 0}""", x) { WrongInMlx = Permutation };
        yield return new("sort", "{}", x) { WrongInMlx = Permutation };
        yield return new("partition_axis", """{"kth": 2, "axis": 1}""", x) { NoSecondInMlx = Indices };
        yield return new("topk_axis", """{"k": 2, "axis": 1}""", x) { NoSecondInMlx = Indices };
        yield return new("median", """{"axes": [1], "keepdims": false}""", x) { WrongInMlx = Permutation };
    }

    private static IEnumerable<GradientCase> Movements()
    {
        GradientInput x = new([2, 3, 4], -2, 2);
        (string Operation, string Arguments)[] movements =
        [
            ("reshape", """{"shape": [4, 6]}"""), ("flatten", """{"start_axis": 1, "end_axis": 2}"""),
            ("transpose", "{}"), ("transpose_axes", """{"axes": [1, 2, 0]}"""),
            ("swapaxes", """{"axis1": 0, "axis2": 2}"""),
            ("moveaxis", """{"source": 0, "destination": 2}"""), ("expand_dims", """{"axis": 1}"""),
            ("broadcast_to", """{"shape": [3, 2, 3, 4]}"""), ("split", """{"num_splits": 2, "axis": 2}"""),
            ("slice", """{"start": [0, 2, 3], "stop": [2, 0, 0], "strides": [1, -1, -2]}"""),
            ("repeat_axis", """{"repeats": 2, "axis": 1}"""), ("tile", """{"reps": [2, 1, 2]}"""),
            ("roll_axis", """{"shift": [1], "axis": 1}"""), ("diagonal", """{"offset": 1, "axis1": 0, "axis2": 2}"""),
        ];
        foreach ((string operation, string arguments) in movements)
            yield return new(operation, arguments, x);
        yield return new("tril", """{"k": 0}""", x) { NoTangentInMlx = ConstantCondition };
        yield return new("triu", """{"k": 1}""", x) { NoTangentInMlx = ConstantCondition };
        yield return new("take_axis", """{"axis": 1}""", x, new GradientInput([2, 2], 0, 3, MLX_INT32));
        yield return new("take_along_axis", """{"axis": 2}""", x, new GradientInput([2, 3, 3], 0, 4, MLX_INT32));
        yield return new("put_along_axis", """{"axis": 2}""",
            x, new GradientInput([2, 3, 2], 0, 4, MLX_INT32), new GradientInput([2, 3, 2], -2, 2));
    }

    private static IEnumerable<GradientCase> Products()
    {
        GradientInput matrix = new([2, 3], -2, 2);
        yield return new("matmul", "{}", new GradientInput([2, 3, 4], -2, 2), new GradientInput([4, 2], -2, 2));
        yield return new(
            "matmul", """{"of": "vectors"}""", new GradientInput([4], -2, 2), new GradientInput([4], -2, 2));
        yield return new("addmm", """{"alpha": 0.5, "beta": 2}""",
            new GradientInput([2], -2, 2), matrix, new GradientInput([3, 2], -2, 2))
        { NoTangentInMlx = "MLX's jvp of addmm leaves alpha and beta out" };
        yield return new("inner", "{}", matrix, matrix);
        yield return new("outer", "{}", new GradientInput([3], -2, 2), new GradientInput([2], -2, 2));
        yield return new("kron", "{}", matrix, new GradientInput([2, 2], -2, 2));
        yield return new("tensordot_axis", """{"axis": 1}""", matrix, new GradientInput([3, 2], -2, 2));
    }
}
