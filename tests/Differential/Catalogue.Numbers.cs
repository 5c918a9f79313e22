using System.Text.Json.Nodes;

namespace ElmMlx.Differential;

/// <content>Gathers and scatters, products, norms, Fourier transforms, random numbers.</content>
internal static partial class Catalogue
{
    private static Step? MakeTake(Draft d)
    {
        Known x = d.Any();
        if (x.Size == 0)
            return null;
        string type = d.Pick("int32", "int32", "int64", "uint32", "uint8");
        int low = type[0] == 'i' && d.Chance(40) ? -1 : 0;
        if (x.Rank == 0 || d.Chance(20))
            return Draft.Step("take", [x, Indices(d, type, d.Shape(), low, x.Size)]);
        int axis = d.Next(x.Rank), length = x.Shape[axis];
        if (d.Chance(50))
            return Draft.Step("take_axis", [x, Indices(d, type, d.Shape(), low, length)], new() { ["axis"] = axis });
        int[] shape = [.. x.Shape];
        shape[axis] = 1 + d.Next(4);
        return Draft.Step("take_along_axis", [x, Indices(d, type, shape, low, length)], new()
        {
            ["axis"] = axis - x.Rank,
        });
    }

    private static Step? MakeScatter(Draft d)
    {
        Known x = d.Any();
        if (x.Size == 0 || x.Rank == 0)
            return null;
        int axis = d.Next(x.Rank), length = x.Shape[axis];
        if (d.Chance(50))
        {
            int[] shape = [.. x.Shape];
            shape[axis] = 1 + d.Next(Math.Min(length, 3));
            int[] places = [.. Enumerable.Range(0, 1)];
            Known along = d.Constant("int32", [.. shape.Select((n, i) => i == axis ? 1 : n)], 0, length - 1);
            Known updates = d.Constant(x.Type, [.. shape.Select((n, i) => i == axis ? places.Length : n)]);
            return Draft.Step(
                d.Pick("put_along_axis", "scatter_add_axis"), [x, along, updates], new() { ["axis"] = axis });
        }

        // one place each, so that the order of the updates does not matter
        Known index = d.Constant("int32", [1], 0, length - 1);
        Known update = d.Constant(x.Type, [1, .. x.Shape.Select((n, i) => i == axis ? 1 : n)]);
        return Draft.Step(
            d.Pick(
                "scatter_single", "scatter_add_single", "scatter_max_single", "scatter_min_single",
                "scatter_prod_single"),
            [x, index, update], new() { ["axis"] = axis });
    }

    private static Step MakeProduct(Draft d)
    {
        Known x = d.Any();
        int depth = x.Rank == 0 ? 1 : x.Shape[^1], width = 1 + d.Next(6);
        int[] batch = x.Rank > 2 && d.Chance(60) ? [.. x.Shape[..^2]] : [];
        string type = d.Chance(85) ? x.Type : "float32";
        Known y = d.Fitting(
            v => v.Rank > 1 && v.Shape[^2] == depth, type, d.Chance(15) ? [depth] : [.. batch, depth, width]);
        return d.Next(8) switch
        {
            0 => Draft.Step("inner", [x, d.Constant(type, [1 + d.Next(3), depth])]),
            1 => Draft.Step("outer", [x, d.Constant(type, [1 + d.Next(3)])]),
            2 => Draft.Step("addmm", [d.Constant(type, [y.Shape[^1]]), x, y], new()
            {
                ["alpha"] = d.Pick(1.0, 0.5),
                ["beta"] = d.Pick(1.0, 2.0),
            }),
            3 => Draft.Step("tensordot_axis", [x, y], new() { ["axis"] = d.Pick(0, 1, 1) }),
            4 => Draft.Step("kron", [x, d.Constant(type, [2, 2])]),
            _ => Draft.Step("matmul", [x, y]),
        };
    }

    private static Step MakeConvolution(Draft d)
    {
        int channels = d.Pick(1, 2, 4), outputs = d.Pick(1, 2, 4), kernel = 1 + d.Next(3);
        int groups = channels > 1 && outputs > 1 && d.Chance(30) ? 2 : 1;
        string type = d.Pick("float32", "float32", "float16", "bfloat16");
        if (d.Chance(50))
        {
            Known x = d.Fitting(
                v => v.Rank == 3 && v.Shape[2] == channels && v.Type == type,
                type, [1 + d.Next(2), 3 + d.Next(6), channels]);
            Known w = d.Constant(type, [outputs, kernel, channels / groups]);
            bool isTransposed = d.Chance(30);
            return Draft.Step(isTransposed ? "conv_transpose1d" : "conv1d", [x, w], new()
            {
                ["stride"] = 1 + d.Next(2),
                ["padding"] = d.Next(2),
                ["dilation"] = 1 + d.Next(2),
                ["groups"] = isTransposed ? 1 : groups,
            });
        }

        Known image = d.Constant(type, [1, 3 + d.Next(3), 3 + d.Next(3), channels]);
        Known kernels = d.Constant(type, [outputs, kernel, 1 + d.Next(2), channels / groups]);
        return Draft.Step("conv2d", [image, kernels], new()
        {
            ["stride_0"] = 1 + d.Next(2),
            ["stride_1"] = 1,
            ["padding_0"] = d.Next(2),
            ["padding_1"] = d.Next(2),
            ["dilation_0"] = 1,
            ["dilation_1"] = 1,
            ["groups"] = groups,
        });
    }

    private static Step? MakeFourier(Draft d)
    {
        Known x = d.Any();
        if (x.Rank == 0 || x.Size == 0)
            return null;
        int axis = d.Next(x.Rank);
        string name = d.Pick("fft", "ifft", "rfft", "irfft", "fftshift", "ifftshift");
        return name.EndsWith("shift", StringComparison.Ordinal)
            ? Draft.Step("fft_" + name, [x], new() { ["axes"] = List([axis]) })
            : Draft.Step("fft_" + name, [x], new()
            {
                ["n"] = d.Chance(60) ? x.Shape[axis] : 2 + d.Next(8),
                ["axis"] = axis,
                ["norm"] = d.Pick("backward", "ortho", "forward"),
            });
    }

    private static Step? MakeNorm(Draft d)
    {
        Known x = d.Any();
        if (x.Rank == 0)
            return null;
        int width = x.Shape[^1];
        switch (d.Next(4))
        {
            case 0:
                return Draft.Step("fast_rms_norm", [x, d.Chance(70) ? d.Constant(x.Type, [width]) : null], new()
                {
                    ["eps"] = 1e-3,
                });
            case 1:
                return Draft.Step(
                    "fast_layer_norm",
                    [
                        x,
                        d.Chance(70) ? d.Constant(x.Type, [width]) : null,
                        d.Chance(70) ? d.Constant(x.Type, [width]) : null,
                    ],
                    new() { ["eps"] = 1e-3 });
            case 2:
                return Draft.Step("fast_rope", [x, null], new()
                {
                    ["dims"] = width / 2 * 2,
                    ["traditional"] = d.Chance(50),
                    ["base"] = 100.0,
                    ["scale"] = 1.0,
                    ["offset"] = d.Next(4),
                });
            default:
                string type = d.Pick("float32", "float32", "float16", "bfloat16");
                int heads = d.Pick(1, 2), rows = 1 + d.Next(4), keys = 1 + d.Next(6);
                return Draft.Step(
                    "fast_scaled_dot_product_attention",
                    [
                        d.Constant(type, [1, 2 * heads, rows, 8]), d.Constant(type, [1, heads, keys, 8]),
                        d.Constant(type, [1, heads, keys, 8]), null, null,
                    ],
                    new() { ["scale"] = 0.25, ["mask_mode"] = keys >= rows ? d.Pick("", "causal") : "" });
        }
    }

    private static Step? MakeLinear(Draft d)
    {
        Known x = d.Any();
        int n = 2 + d.Next(3);
        string type = d.Chance(80) ? "float32" : "float64";
        return d.Next(4) switch
        {
            0 => Draft.Step("linalg_norm_l2", [x], new()
            {
                ["axis"] = x.Rank == 0 ? null : List([d.Next(x.Rank)]),
                ["keepdims"] = d.Chance(50),
            }),
            1 => Draft.Step("linalg_cross", [d.Constant(type, [2, 3]), d.Constant(type, [2, 3])], new()
            {
                ["axis"] = -1,
            }),
            2 => Draft.Step("trace", [x], new() { ["axis1"] = 0, ["axis2"] = 1, ["dtype"] = x.Type }),
            _ => Draft.Step("linalg_norm", [x], new()
            {
                ["ord"] = d.Pick(1.0, 2.0, 3.0),
                ["axis"] = List([d.Next(Math.Max(x.Rank, 1))]),
                ["keepdims"] = n > 2,
            }),
        };
    }

    private static Step MakeQuantized(Draft d)
    {
        string type = d.Pick("float32", "float32", "float16", "bfloat16");
        int bits = d.Pick(2, 3, 4, 5, 6, 8), group = d.Pick(32, 64);
        return d.Chance(60)
            ? Draft.Step("quantize", [d.Constant(type, [1 + d.Next(4), 64]), null], new()
            {
                ["group_size"] = group,
                ["bits"] = bits,
                ["mode"] = "affine",
            })
            : Draft.Step(
                "quantized_matmul",
                [
                    d.Constant(type, [1 + d.Next(3), 64]), d.Constant("uint32", [8, 2 * bits], 0, 1 << 30),
                    d.Constant(type, [8, 64 / group]), d.Constant(type, [8, 64 / group]),
                ],
                new() { ["transpose"] = true, ["group_size"] = group, ["bits"] = bits, ["mode"] = "affine" });
    }

    private static Step MakeRandom(Draft d)
    {
        Known key = d.Constant("uint32", [2], 0, 1 << 30);
        JsonArray shape = List(d.Shape());
        string type = d.Pick("float32", "float32", "float16", "bfloat16");
        return d.Next(5) switch
        {
            0 => Draft.Step("random_normal", [key], new()
            {
                ["shape"] = shape,
                ["dtype"] = type,
                ["loc"] = 1.0,
                ["scale"] = 2.0,
            }),
            1 => Draft.Step("random_uniform", [d.Constant(type, [], -1, 0), d.Constant(type, [], 1, 3), key], new()
            {
                ["shape"] = shape,
                ["dtype"] = type,
            }),
            2 => Draft.Step("random_bits", [key], new() { ["shape"] = shape, ["width"] = d.Pick(1, 2, 4) }),
            3 => Draft.Step("random_randint", [d.Constant("int32", [], -5, 0), d.Constant("int32", [], 1, 9), key],
                new() { ["shape"] = shape, ["dtype"] = d.Pick("int32", "uint8", "int64") }),
            _ => Draft.Step("random_gumbel", [key], new() { ["shape"] = shape, ["dtype"] = type }),
        };
    }

    private static Known Indices(Draft d, string type, int[] shape, int low, int length) =>
        d.Constant(type, shape, low * length, length - 1);
}
