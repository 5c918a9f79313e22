using System.Text.Json;
using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>Replays one case of the golden data on the provider that is loaded.</summary>
internal static class GoldenReplay
{
    /// <summary>Throws nothing: tells what came of the case.</summary>
    public static ReplayResult Run(GoldenCase golden)
    {
        var result = new ReplayResult();
        try
        {
            using var arena = new NativeArena();
            switch (golden.Transform)
            {
                case "sequence":
                    Sequence(arena, golden, result);
                    break;
                case "vmap":
                    Slices(arena, golden, result);
                    break;
                case "value_and_grad":
                    ValueAndGrad(arena, golden, result);
                    break;
                case "grad_grad":
                    GradGrad(arena, golden, result);
                    break;
                default:
                    if (golden.Operation == "promotion_table")
                        PromotionTable(arena, golden, result);
                    else
                        Call(arena, golden, result);
                    break;
            }
        }
        catch (RefusedException refused)
        {
            result.Refuse(refused);
        }

        return result;
    }

    private static void Call(NativeArena arena, GoldenCase golden, ReplayResult result)
    {
        object?[] inputs = [.. golden.Inputs.Select(keys => Load(arena, golden, keys))];
        mlx_array[] flat = Flatten(inputs);
        if (golden.Record.TryGetProperty("views", out JsonElement views))
        {
            foreach (JsonElement view in views.EnumerateArray())
            {
                int at = view.GetProperty("input").GetInt32();
                flat[at] = View(arena, flat[at], view);
            }
        }

        mlx_array[] Apply(mlx_array[] arrays) =>
            CFunction.Of(golden.Operation).Call(arena, Unflatten(inputs, arrays), golden.Arguments);

        if (golden.IsRefused)
        {
            try
            {
                foreach (mlx_array output in Apply(flat))
                    arena.Read(output);
                result.Fail("not refused");
            }
            catch (RefusedException refused) when (refused.NotImplemented is null)
            {
                // as it should be
            }

            return;
        }

        GoldenTensor[] got = [.. Apply(flat).Select(arena.Read)];
        result.Note(GoldenComparison.Difference(golden, got));
        if (golden.Compare == "distribution")
            Distribution(arena, golden, inputs, result);
        if (golden.Record.TryGetProperty("vjp", out JsonElement vjp))
            Vjp(arena, golden, flat, Apply, vjp, result);
        if (golden.Record.TryGetProperty("jvp", out JsonElement jvp))
            Jvp(arena, golden, flat, Apply, jvp, result);
    }

    private static void Vjp(
        NativeArena arena, GoldenCase golden, mlx_array[] flat, Func<mlx_array[], mlx_array[]> apply, JsonElement vjp,
        ReplayResult result)
    {
        GoldenTensor?[] wanted = GoldenDefects.Gradients(golden, golden.Optional(vjp.GetProperty("grads")));
        int[] places = Places(wanted);
        mlx_array[] cotangents = [.. golden.Optional(vjp.GetProperty("cotangents")).Select(t => arena.New(t!))];
        try
        {
            (_, mlx_array[] gradients) = NativeGradients.Vjp(
                arena, primals => apply(With(flat, places, primals)), [.. places.Select(i => flat[i])], cotangents);
            double rtol = golden.Tolerance("vjp_rtol"), atol = golden.Tolerance("vjp_atol");
            GoldenTensor[]? exact = null;
            for (int i = 0; i < places.Length; i++)
            {
                GoldenTensor got = arena.Read(gradients[i]), want = wanted[places[i]]!;
                string? difference = GoldenValues.Difference(got, want, rtol, atol);
                exact ??= difference is null
                    ? null
                    : GoldenGradientExact.Of(arena, golden, flat, places, cotangents, apply);
                if (difference is not null && exact is not null)
                    difference = GoldenGradientExact.Difference(got, want, exact[i], rtol, atol);
                result.Note(difference, $"gradient {places[i]}");
            }
        }
        catch (RefusedException refused)
        {
            result.Refuse(refused);
        }
    }

    private static void Jvp(
        NativeArena arena, GoldenCase golden, mlx_array[] flat, Func<mlx_array[], mlx_array[]> apply, JsonElement jvp,
        ReplayResult result)
    {
        GoldenTensor?[] tangents = golden.Optional(jvp.GetProperty("tangents"));
        int[] places = Places(tangents);
        GoldenTensor?[] wanted = GoldenDefects.Tangents(golden, golden.Optional(jvp.GetProperty("outputs")));
        try
        {
            (_, mlx_array[] got) = NativeGradients.Jvp(
                arena, primals => apply(With(flat, places, primals)), [.. places.Select(i => flat[i])],
                [.. places.Select(i => arena.New(tangents[i]!))]);
            for (int i = 0; i < wanted.Length; i++)
            {
                result.Note(GoldenValues.Difference(
                    arena.Read(got[i]), wanted[i]!, golden.Tolerance("jvp_rtol"), golden.Tolerance("jvp_atol")),
                    $"tangent {i}");
            }
        }
        catch (RefusedException refused)
        {
            result.Refuse(refused);
        }
    }

    private static void Sequence(NativeArena arena, GoldenCase golden, ReplayResult result)
    {
        CFunction.Of(golden.Operation).Call(arena, [], golden.Arguments);
        foreach (JsonElement record in golden.Record.GetProperty("steps").EnumerateArray())
        {
            var step = new GoldenCase(golden.Tensors, record);
            mlx_array[] outputs = CFunction.Of(step.Operation).Call(
                arena, [.. step.Inputs.Select(keys => Load(arena, step, keys))], step.Arguments);
            result.Note(GoldenComparison.Difference(step, [.. outputs.Select(arena.Read)]), step.Operation);
        }
    }

    private static void Slices(NativeArena arena, GoldenCase golden, ReplayResult result)
    {
        int[] axes = [.. golden.Record.GetProperty("in_axes").EnumerateArray()
            .Select(axis => axis.ValueKind == JsonValueKind.Null ? -1 : axis.GetInt32())];
        int[] outAxes = [.. golden.Record.GetProperty("out_axes").EnumerateArray().Select(axis => axis.GetInt32())];
        mlx_array[] inputs = Flatten([.. golden.Inputs.Select(keys => Load(arena, golden, keys))]);
        mlx_array[] outputs = NativeVmap.Run(
            arena, slices => CFunction.Of(golden.Operation).Call(arena, [.. slices.Cast<object?>()], golden.Arguments),
            inputs, axes, outAxes);
        result.Note(GoldenComparison.Difference(golden, [.. outputs.Select(arena.Read)]));
    }

    private static void ValueAndGrad(NativeArena arena, GoldenCase golden, ReplayResult result)
    {
        Func<mlx_array[], mlx_array> function = GoldenComposites.Function(arena, golden.Operation);
        mlx_array[] inputs = Flatten([.. golden.Inputs.Select(keys => Load(arena, golden, keys))]);
        GoldenTensor?[] wanted = golden.Optional(golden.Record.GetProperty("grads"));
        int[] places = Places(wanted);
        mlx_array value = function(inputs);
        result.Note(GoldenComparison.Difference(golden, [arena.Read(value)]));
        mlx_array one = CFunction.Call(arena, "ones_like", value)[0];
        (_, mlx_array[] gradients) = NativeGradients.Vjp(
            arena, primals => [function(With(inputs, places, primals))], [.. places.Select(i => inputs[i])], [one]);
        for (int i = 0; i < places.Length; i++)
        {
            result.Note(GoldenValues.Difference(
                arena.Read(gradients[i]), wanted[places[i]]!, golden.Tolerance("rtol"), golden.Tolerance("atol")),
                $"gradient {places[i]}");
        }
    }

    // f(x), f′(x), and the gradient of Σ f′(x)·[1 … 7].
    private static void GradGrad(NativeArena arena, GoldenCase golden, ReplayResult result)
    {
        Func<mlx_array[], mlx_array> function = GoldenComposites.Function(arena, golden.Operation);
        mlx_array[] x = [arena.New(golden.Tensors[golden.Inputs[0].GetString()!])];

        mlx_array Gradient(mlx_array[] primals) => NativeGradients.Vjp(
            arena, inner => [function(inner)], primals, [GoldenComposites.Scalar(arena, 1)]).Gradients[0];

        mlx_array value = function(x), first = Gradient(x);
        mlx_array weights = GoldenComposites.OneToSeven(arena);
        mlx_array second = NativeGradients.Vjp(
            arena, primals => [GoldenComposites.Sum(
                arena, GoldenComposites.Multiply(arena, Gradient(primals), weights))],
            x, [GoldenComposites.Scalar(arena, 1)]).Gradients[0];
        result.Note(GoldenComparison.Difference(golden, [arena.Read(value), arena.Read(first), arena.Read(second)]));
    }

    private static void PromotionTable(NativeArena arena, GoldenCase golden, ReplayResult result)
    {
        CFunction function = CFunction.Of(golden.Arguments.GetProperty("op").GetString()!);
        string[] types = [.. golden.Arguments.GetProperty("dtypes").EnumerateArray().Select(type => type.GetString()!)];
        using var noArguments = JsonDocument.Parse("{}");
        JsonElement[] rows = [.. golden.Arguments.GetProperty("table").EnumerateArray()];
        for (int i = 0; i < rows.Length; i++)
        {
            JsonElement[] row = [.. rows[i].EnumerateArray()];
            for (int j = 0; j < row.Length; j++)
            {
                object?[] inputs = rows.Length == 1
                    ? [Ones(arena, types[j])]
                    : [Ones(arena, types[i]), Ones(arena, types[j])];
                string got;
                try
                {
                    got = arena.Read(function.Call(arena, inputs, noArguments.RootElement)[0]).Type.ToString();
                }
                catch (RefusedException refused) when (refused.NotImplemented is null)
                {
                    got = "refused";
                }

                string want = row[j].ValueKind == JsonValueKind.Null
                    ? "refused"
                    : GoldenTensors.TypeOf(row[j].GetString()!).ToString();
                string place = rows.Length == 1 ? types[j] : $"{types[i]}, {types[j]}";
                result.Note(got == want ? null : $"{place} gives {got}, not {want}");
            }
        }
    }

    // Mean and covariance of many draws, within five standard errors.
    private static void Distribution(NativeArena arena, GoldenCase golden, object?[] inputs, ReplayResult result)
    {
        const int NDraws = 20000;
        double[] mean = golden.Tensors[golden.Inputs[0].GetString()!].Doubles();
        double[] covariance = golden.Tensors[golden.Inputs[1].GetString()!].Doubles();
        mlx_array draws = CFunction.Call(
            arena, golden.Operation, inputs, $$"""{"shape": [{{NDraws}}], "dtype": "float32"}""");
        double[] values = arena.Read(draws).Doubles();
        int n = mean.Length;
        for (int i = 0; i < n; i++)
        {
            double average = Enumerable.Range(0, NDraws).Average(draw => values[draw * n + i]);
            if (Math.Abs(average - mean[i]) > 5 * Math.Sqrt(covariance[i * n + i] / NDraws) + 1e-6)
                result.Fail($"mean {i} is {average:g5}, not {mean[i]:g5}");
            for (int j = 0; j < n; j++)
            {
                double product = Enumerable.Range(0, NDraws).Average(
                    draw => (values[draw * n + i] - mean[i]) * (values[draw * n + j] - mean[j]));
                double scale = Math.Sqrt(covariance[i * n + i] * covariance[j * n + j]);
                if (Math.Abs(product - covariance[i * n + j]) > 5 * scale * Math.Sqrt(2.0 / NDraws) + 1e-6)
                    result.Fail($"covariance {i}, {j} is {product:g5}, not {covariance[i * n + j]:g5}");
            }
        }
    }

    private static mlx_array Ones(NativeArena arena, string type) =>
        CFunction.Call(arena, "ones", [], $$"""{"shape": [1], "dtype": "{{type}}"}""");

    private static mlx_array View(NativeArena arena, mlx_array array, JsonElement view)
    {
        if (view.TryGetProperty("transpose", out JsonElement axes))
            return CFunction.Call(arena, "transpose_axes", [array], $$"""{"axes": {{axes.GetRawText()}}}""");
        if (view.TryGetProperty("broadcast_to", out JsonElement shape))
            return CFunction.Call(arena, "broadcast_to", [array], $$"""{"shape": {{shape.GetRawText()}}}""");
        JsonElement slice = view.GetProperty("slice");
        string arguments = slice.ValueKind == JsonValueKind.Object
            ? slice.GetRawText()
            : throw new NotSupportedException($"a view {view.GetRawText()}");
        return CFunction.Call(arena, "slice", [array], arguments);
    }

    private static object? Load(NativeArena arena, GoldenCase golden, JsonElement keys) => keys.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.Array => golden.Optional(keys).Select(tensor => arena.New(tensor!)).ToArray(),
        _ => arena.New(golden.Tensors[keys.GetString()!]),
    };

    private static mlx_array[] Flatten(object?[] inputs) =>
        [.. inputs.SelectMany(input => input as mlx_array[] ?? [(mlx_array)(input ?? default(mlx_array))])];

    private static object?[] Unflatten(object?[] inputs, mlx_array[] flat)
    {
        var result = new object?[inputs.Length];
        int at = 0;
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs[i] is mlx_array[] vector)
            {
                result[i] = flat[at..(at + vector.Length)];
                at += vector.Length;
            }
            else
            {
                result[i] = inputs[i] is null ? null : flat[at];
                at++;
            }
        }

        return result;
    }

    private static int[] Places(GoldenTensor?[] tensors) =>
        [.. Enumerable.Range(0, tensors.Length).Where(i => tensors[i] is not null)];

    private static mlx_array[] With(mlx_array[] arrays, int[] places, mlx_array[] values)
    {
        mlx_array[] result = [.. arrays];
        for (int i = 0; i < places.Length; i++)
            result[places[i]] = values[i];
        return result;
    }
}
