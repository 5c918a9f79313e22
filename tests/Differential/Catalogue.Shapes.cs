using System.Text.Json.Nodes;

namespace ElmMlx.Differential;

/// <content>Views, copies and parts.</content>
internal static partial class Catalogue
{
    private static Step MakeTranspose(Draft d)
    {
        Known x = d.Any();
        int[] order = [.. Enumerable.Range(0, x.Rank)];
        for (int i = order.Length - 1; i > 0; i--)
        {
            int j = d.Next(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return d.Next(4) switch
        {
            0 => Draft.Step("transpose", [x]),
            1 => Draft.Step("swapaxes", [x], new() { ["axis1"] = d.Axis(x), ["axis2"] = d.Axis(x) }),
            2 => Draft.Step("moveaxis", [x], new() { ["source"] = d.Axis(x), ["destination"] = d.Axis(x) }),
            _ => Draft.Step("transpose_axes", [x], new() { ["axes"] = List(order) }),
        };
    }

    private static Step MakeReshape(Draft d)
    {
        Known x = d.Any();
        if (d.Chance(25))
            return Draft.Step("flatten", [x], new() { ["start_axis"] = d.Axis(x), ["end_axis"] = d.Axis(x) });
        List<int> shape = [];
        int rest = x.Size;
        foreach (int factor in (int[])[d.Next(8) + 1, d.Next(4) + 1])
        {
            if (rest > 0 && rest % factor == 0)
            {
                shape.Add(factor);
                rest /= factor;
            }
        }

        shape.Insert(d.Next(shape.Count + 1), d.Chance(30) ? -1 : d.Chance(3) ? rest + 1 : rest);
        return Draft.Step("reshape", [x], new() { ["shape"] = List(shape) });
    }

    private static Step MakeAxis(Draft d)
    {
        Known x = d.Any();
        return d.Next(6) switch
        {
            0 => Draft.Step("expand_dims", [x], new() { ["axis"] = d.Axis(x) }),
            1 => Draft.Step("squeeze", [x]),
            2 => Draft.Step("squeeze_axis", [x], new() { ["axis"] = d.Axis(x) }),
            3 => Draft.Step(d.Pick("atleast_1d", "atleast_2d", "atleast_3d"), [x]),
            4 => Draft.Step("unflatten", [x], new() { ["axis"] = d.Axis(x), ["shape"] = List([-1, d.Pick(1, 2)]) }),
            _ => Draft.Step("contiguous", [x], new() { ["allow_col_major"] = d.Chance(50) }),
        };
    }

    private static (JsonArray Start, JsonArray Stop, JsonArray Strides, int[] Shape) Window(Draft d, Known x)
    {
        JsonArray start = [], stop = [], strides = [];
        var shape = new int[x.Rank];
        for (int axis = 0; axis < x.Rank; axis++)
        {
            int length = x.Shape[axis], first = d.Next(length + 1), last = first + d.Next(length - first + 1);
            int stride = d.Pick(1, 1, 1, 2, 3);
            shape[axis] = (last - first + stride - 1) / stride;
            if (d.Chance(30) && length > 0 && last > first)     // backwards over the same places
            {
                int end = first - 1, top = last - 1;
                (first, last) = (top, end < 0 ? -length - 1 : end);
                stride = -stride;
            }
            else if (d.Chance(15) && last < length && last > 0)
            {
                last -= length;
            }

            start.Add(first);
            stop.Add(last);
            strides.Add(stride);
        }

        return (start, stop, strides, shape);
    }

    private static Step MakeSlice(Draft d)
    {
        Known x = d.Any();
        (JsonArray start, JsonArray stop, JsonArray strides, _) = Window(d, x);
        return Draft.Step("slice", [x], new() { ["start"] = start, ["stop"] = stop, ["strides"] = strides });
    }

    private static Step MakeSliceUpdate(Draft d)
    {
        Known x = d.Any();
        (JsonArray start, JsonArray stop, JsonArray strides, int[] shape) = Window(d, x);
        Known update = d.Fitting(v => v.Shape.AsSpan().SequenceEqual(shape), d.Chance(85) ? x.Type : "float32", shape);
        return Draft.Step(
            d.Pick(
                "slice_update", "slice_update", "slice_update_add", "slice_update_max", "slice_update_min",
                "slice_update_prod"),
            [x, update], new() { ["start"] = start, ["stop"] = stop, ["strides"] = strides });
    }

    private static Step MakeRepetition(Draft d)
    {
        Known x = d.Any();
        return d.Next(5) switch
        {
            0 => Draft.Step("broadcast_to", [x], new()
            {
                ["shape"] = List(
                    [.. d.Chance(40) ? (int[])[d.Next(3)] : [], .. x.Shape.Select(n => n == 1 ? d.Next(4) : n)]),
            }),
            1 => Draft.Step("tile", [x], new()
            {
                ["reps"] = List(Enumerable.Range(0, 1 + d.Next(x.Rank + 1)).Select(_ => d.Next(3))),
            }),
            2 => Draft.Step("repeat_axis", [x], new() { ["repeats"] = d.Next(4), ["axis"] = d.Axis(x) }),
            3 => Draft.Step("roll_axis", [x], new() { ["shift"] = List([d.Next(11) - 5]), ["axis"] = d.Axis(x) }),
            _ => Draft.Step("roll", [x], new() { ["shift"] = List([d.Next(11) - 5]) }),
        };
    }

    private static Step MakeJoin(Draft d)
    {
        Known x = d.Any();
        Known[] others = [.. Enumerable.Range(0, d.Next(3)).Select(_ => d.Fitting(
            v => v.Shape.AsSpan().SequenceEqual(x.Shape), d.Chance(80) ? x.Type : "float16", x.Shape))];
        string name = d.Pick("concatenate_axis", "stack_axis", "concatenate", "stack");
        var operand = new Operand([x.Value, .. others.Select(other => other.Value)], IsVector: true);
        return new Step(name, [operand], new() { ["axis"] = d.Axis(x) });
    }

    private static Step? MakeSplit(Draft d)
    {
        Known x = d.Any();
        if (x.Rank == 0 || d.Program.Transform == "vmap")
            return null;
        int axis = d.Next(x.Rank), length = x.Shape[axis];
        if (d.Chance(50))
            return Draft.Step("split", [x], new()
            {
                ["num_splits"] = d.Pick(1, 2, 3, Math.Max(length, 1)),
                ["axis"] = axis,
            });
        int a = d.Next(length + 1), b = a + d.Next(length - a + 1);
        return Draft.Step("split_sections", [x], new() { ["indices"] = List([a, b]), ["axis"] = axis - x.Rank });
    }

    private static Step MakeDiagonal(Draft d)
    {
        Known x = d.Any();
        int k = d.Next(5) - 2;
        return d.Next(4) switch
        {
            0 => Draft.Step("diag", [x], new() { ["k"] = k }),
            1 => Draft.Step("diagonal", [x], new() { ["offset"] = k, ["axis1"] = d.Axis(x), ["axis2"] = d.Axis(x) }),
            2 => Draft.Step("tril", [x], new() { ["k"] = k }),
            _ => Draft.Step("triu", [x], new() { ["k"] = k }),
        };
    }

    private static Step? MakePad(Draft d)
    {
        Known x = d.Any();
        if (x.Rank == 0 || x.Size == 0)
            return null;
        int axis = d.Next(x.Rank);
        return new Step(
            "pad", [new([x.Value], false), new([d.Constant(x.Type, [], 0, 3).Value], false)],
            new()
            {
                ["axes"] = List([axis]),
                ["low_pad_size"] = List([d.Next(3)]),
                ["high_pad_size"] = List([d.Next(3)]),
                ["mode"] = d.Pick("constant", "constant", "edge"),
            });
    }

    private static Step MakeNew(Draft d) => d.Next(6) switch
    {
        0 => Draft.Step("arange", [], new()
        {
            ["start"] = d.Next(5) - 2,
            ["stop"] = d.Next(9),
            ["step"] = d.Pick(1.0, 0.5, 2.0),
            ["dtype"] = d.Pick("int32", "float32", "float16", "int64"),
        }),
        1 => Draft.Step("linspace", [], new()
        {
            ["start"] = -1.0,
            ["stop"] = d.Next(5),
            ["num"] = 1 + d.Next(8),
            ["dtype"] = d.Pick("float32", "float16", "bfloat16"),
        }),
        2 => Draft.Step("eye", [], new()
        {
            ["n"] = d.Next(5),
            ["m"] = d.Next(5),
            ["k"] = d.Next(5) - 2,
            ["dtype"] = d.Pick("int32", "float32", "bool"),
        }),
        3 => Draft.Step("tri", [], new()
        {
            ["n"] = d.Next(5),
            ["m"] = d.Next(5),
            ["k"] = d.Next(5) - 2,
            ["type"] = d.Pick("int32", "float32", "bool"),
        }),
        4 => Draft.Step("full_like", [d.Any(), d.Constant("float32", [], -3, 3)], new()
        {
            ["dtype"] = d.Pick("float32", "float16", "int32"),
        }),
        _ => Draft.Step(d.Pick("hanning", "hamming", "blackman", "bartlett"), [], new() { ["M"] = d.Next(9) }),
    };
}
