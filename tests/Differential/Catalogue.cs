using System.Text.Json.Nodes;

namespace ElmMlx.Differential;

/// <summary>The operations of programs: each entry chooses values and arguments that mostly fit.</summary>
internal static partial class Catalogue
{
    private static readonly string[] Unary =
    [
        "abs", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "bitwise_invert", "ceil", "conjugate",
        "cos", "cosh", "degrees", "erf", "erfinv", "exp", "expm1", "floor", "imag", "isfinite", "isinf", "isnan",
        "isneginf", "isposinf", "log", "log10", "log1p", "log2", "logical_not", "negative", "radians", "real",
        "reciprocal", "rsqrt", "sigmoid", "sign", "sin", "sinh", "sqrt", "square", "stop_gradient", "tan", "tanh",
        "ones_like", "zeros_like", "copy", "exp", "sigmoid", "tanh", "square",
    ];

    private static readonly string[] Binary =
    [
        "add", "add", "subtract", "subtract", "multiply", "multiply", "divide", "divide", "maximum", "minimum",
        "arctan2", "logaddexp", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and",
        "logical_or", "bitwise_and", "bitwise_or", "bitwise_xor",
    ];

    private static readonly string[] Reductions =
        ["sum", "mean", "prod", "max", "min", "all", "any", "var", "std", "logsumexp", "softmax", "argmax", "argmin"];

    private static readonly (int Weight, Func<Draft, Step?> Make)[] Entries =
    [
        (20, MakeUnary), (22, MakeBinary), (6, MakeDivision), (2, MakePower), (3, MakeShift), (4, MakeRound),
        (4, MakeCast), (6, MakeChoice),
        (14, MakeReduction), (4, MakeScan), (5, MakeSort),
        (6, MakeTranspose), (5, MakeReshape), (4, MakeAxis), (7, MakeSlice), (5, MakeRepetition), (5, MakeJoin),
        (4, MakeSplit), (5, MakeDiagonal), (3, MakePad),
        (8, MakeTake), (4, MakeScatter), (4, MakeSliceUpdate),
        (8, MakeProduct), (3, MakeConvolution), (3, MakeFourier), (3, MakeNorm), (2, MakeLinear), (2, MakeQuantized),
        (2, MakeRandom), (2, MakeNew),
    ];

    private static readonly int Total = Entries.Sum(entry => entry.Weight);

    /// <summary>An operation; null when the one that was chosen fits nothing.</summary>
    public static Step? Any(Draft draft)
    {
        int at = draft.Next(Total);
        foreach ((int weight, Func<Draft, Step?> make) in Entries)
        {
            at -= weight;
            if (at < 0)
                return make(draft);
        }

        throw new InvalidOperationException("weights");
    }

    private static Step MakeUnary(Draft d) => Draft.Step(d.Pick(Unary), [d.Any()]);

    private static Step MakeBinary(Draft d)
    {
        Known x = d.Any(), y = d.Partner(x);
        return Draft.Step(d.Pick(Binary), d.Chance(50) ? [x, y] : [y, x]);
    }

    // By numbers other than 0: dividing whole numbers by 0 ends MLX's process.
    private static Step MakeDivision(Draft d)
    {
        Known x = d.Any();
        string type = d.Chance(85) ? x.Type : d.Pick("float32", "int32", "uint8");
        return Draft.Step(d.Pick("floor_divide", "remainder", "divmod"), [x, d.Constant(type, Lengths(d, x), 1, 5)]);
    }

    private static Step MakePower(Draft d)
    {
        Known x = d.Any();
        return Draft.Step("power", [x, d.Constant(x.Type, Lengths(d, x), x.IsWhole ? 0 : -2, 3)]);
    }

    private static Step? MakeShift(Draft d)
    {
        Known x = d.Any();
        return x.IsWhole
            ? Draft.Step(d.Pick("left_shift", "right_shift"), [x, d.Constant(x.Type, Lengths(d, x), 0, 6)])
            : null;
    }

    private static Step MakeRound(Draft d) => d.Chance(60)
        ? Draft.Step("round", [d.Any()], new() { ["decimals"] = d.Pick(0, 0, 1, 2, -1) })
        : Draft.Step("nan_to_num", [d.Any()], new() { ["nan"] = d.Next(3), ["posinf"] = 7.0, ["neginf"] = -7.0 });

    private static Step MakeCast(Draft d)
    {
        Known x = d.Any();
        string[] types = x.IsWhole
            ?
            [
                "bool", "uint8", "int16", "int32", "uint32", "int64", "uint64", "float16", "bfloat16", "float32",
                "float64", "complex64",
            ]
            : ["float16", "bfloat16", "float32", "float32", "float64", "bool"];
        return Draft.Step("astype", [x], new() { ["dtype"] = d.Pick(types) });
    }

    private static Step MakeChoice(Draft d)
    {
        Known x = d.Any(), y = d.Partner(x);
        return d.Next(5) switch
        {
            0 => Draft.Step(
                "where",
                [d.Fitting(v => v.Type == "bool" && v.Size == x.Size && v.Rank == x.Rank, "bool", x.Shape), x, y]),
            1 => Draft.Step("clip", [x, d.Chance(80) ? y : null, d.Constant(x.Type, [], 1, 5)]),
            2 => Draft.Step("isclose", [x, y], new()
            {
                ["rtol"] = 0.1,
                ["atol"] = 0.125,
                ["equal_nan"] = d.Chance(50),
            }),
            3 => Draft.Step("allclose", [x, y], new()
            {
                ["rtol"] = 0.1,
                ["atol"] = 0.125,
                ["equal_nan"] = d.Chance(50),
            }),
            _ => Draft.Step("array_equal", [x, y], new() { ["equal_nan"] = d.Chance(50) }),
        };
    }

    private static Step MakeReduction(Draft d)
    {
        Known x = d.Any();
        string name = d.Pick(Reductions);
        var arguments = new JsonObject
        {
            ["keepdims"] = d.Chance(40),
            ["ddof"] = d.Pick(0, 0, 1),
            ["precise"] = d.Chance(50),
        };
        int kind = d.Next(name.StartsWith("arg", StringComparison.Ordinal) ? 2 : 3);
        if (kind == 1)
            arguments["axis"] = d.Axis(x);
        if (kind == 2)
            arguments["axes"] = Axes(d, x);
        return Draft.Step(kind switch { 0 => name, 1 => name + "_axis", _ => name + "_axes" }, [x], arguments);
    }

    private static Step? MakeScan(Draft d)
    {
        Known x = d.Any();
        string[] names = x.IsWhole     // logarithms in whole numbers mean nothing
            ? ["cumsum", "cumprod", "cummax", "cummin"]
            : ["cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"];
        return x.Size == 0 ? null : Draft.Step(
            d.Pick(names), [x],
            new() { ["axis"] = d.Axis(x), ["reverse"] = d.Chance(50), ["inclusive"] = d.Chance(70) });
    }

    private static Step? MakeSort(Draft d)
    {
        Known x = d.Any();
        if (x.Size == 0)
            return null;
        int axis = d.Axis(x);
        string name = d.Pick("sort", "argsort", "topk", "median");
        return name switch
        {
            "median" => Draft.Step("median", [x], new() { ["axes"] = Axes(d, x), ["keepdims"] = d.Chance(50) }),
            "topk" => Draft.Step("topk_axis", [x], new() { ["k"] = 1, ["axis"] = axis }),
            _ => d.Chance(30) ? Draft.Step(name, [x]) : Draft.Step(name + "_axis", [x], new() { ["axis"] = axis }),
        };
    }

    // Lengths of x that broadcast to x
    private static int[] Lengths(Draft d, Known x) =>
        [.. x.Shape.Skip(d.Chance(30) ? d.Next(x.Rank + 1) : 0).Select(length => d.Chance(15) ? 1 : length)];

    private static JsonArray Axes(Draft d, Known x) =>
        [.. Enumerable.Range(0, x.Rank).Where(_ => d.Chance(60))
            .Select(axis => (JsonNode)(d.Chance(30) ? axis - x.Rank : axis))];

    private static JsonArray List(IEnumerable<int> numbers) => [.. numbers.Select(number => (JsonNode)number)];
}
