using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>x / √(mean x² + ε) · weight over the last axis.</summary>
    public static Node RmsNorm(Node x, Node? weight, float epsilon)
    {
        RefuseScalarInput("rms_norm", x);
        RefuseParameter("rms_norm", "(*weight)", weight, x);
        mlx_dtype type = weight is null ? x.Type : DTypes.Promote(x.Type, weight.Type);
        mlx_dtype computed = NormType("rms_norm", type);
        RmsNorm norm = Shared.Of(ValueTuple.Create(epsilon), static key => new RmsNorm(key.Item1));
        Node normal = weight is null
            ? Make(norm, x.Shape, computed, AsType(x, computed))
            : Make(norm, x.Shape, computed, AsType(x, computed), AsType(weight, computed));
        return AsType(normal, type);
    }

    /// <summary>(x − mean) / √(variance + ε) · weight + bias over the last axis.</summary>
    public static Node LayerNorm(Node x, Node? weight, Node? bias, float epsilon)
    {
        RefuseScalarInput("layer_norm", x);
        RefuseParameter("layer_norm", "weight", weight, x);
        RefuseParameter("layer_norm", "bias", bias, x);
        mlx_dtype type = x.Type;
        if (weight is not null)
            type = DTypes.Promote(type, weight.Type);
        if (weight is not null && bias is not null)
            type = DTypes.Promote(type, bias.Type);
        mlx_dtype computed = NormType("layer_norm", type);
        List<Node> inputs = [AsType(x, computed)];
        if (weight is not null)
            inputs.Add(AsType(weight, computed));
        if (bias is not null)
            inputs.Add(AsType(bias, computed));
        var norm = new LayerNorm(epsilon, weight is not null, bias is not null);
        return AsType(Make(norm, x.Shape, computed, [.. inputs]), type);
    }

    /// <summary>
    /// Turns the first <paramref name="dims"/> elements of each row of x [B, .., L, D] by its position.
    /// <paramref name="offset"/> is the first position, one for all or one a batch row; the periods of the pairs are
    /// <paramref name="frequencies"/> or follow from <paramref name="base"/>.
    /// </summary>
    public static Node Rope(
        Node x, int dims, bool isTraditional, float? @base, float scale, Node offset, Node? frequencies)
    {
        if (frequencies is not null && @base is not null)
            throw new ArgumentException("[rope] Only one of base or freqs can have a value.");
        if (frequencies is null && @base is null)
            throw new ArgumentException("[rope] Neither base nor freqs has a value.");
        if (x.Rank < 3)
            throw new ArgumentException(
                $"[rope] Input must have at least 3 dimensions but got input with {x.Rank} dimensions.");
        if (!x.Type.IsFloating())
            throw new ArgumentException($"[rope] Input must be a floating type but got {x.Type.Name()}.");
        if (offset.Rank > 1)
            throw new ArgumentException(
                $"[rope] offset must have at most one dimension but has shape {Text(offset.Shape)}.");
        if (offset.Size != 1 && offset.Size != x.Shape[0])
            throw new ArgumentException(
                $"[rope] offset must be a scalar or vector with {x.Shape[0]} elements but has shape "
                    + $"{Text(offset.Shape)}.");
        if (!offset.Type.IsInteger())
            throw new ArgumentException($"[rope] offset must be an integer but got type {offset.Type.Name()}.");
        if (dims <= 0)
            throw new ArgumentException($"[rope] dims must be positive but got {dims}.");
        if (dims % 2 != 0)
            throw new ArgumentException($"[rope] dims must be even but got {dims}.");
        if (dims > x.Shape[^1])
            throw new ArgumentException(
                $"[rope] dims must not exceed the input's last dimension ({x.Shape[^1]}) but got {dims}.");
        if (frequencies is not null && (frequencies.Rank != 1 || frequencies.Shape[0] != dims / 2))
            throw new ArgumentException(
                $"[rope] freqs must be one dimensional with size {dims / 2} but got shape {Text(frequencies.Shape)}.");

        mlx_dtype computed = x.Type == MLX_FLOAT64 ? MLX_FLOAT32 : x.Type;
        RoPE rope = Shared.Of(
            (dims, isTraditional, period: @base ?? 1, scale),
            static key => new RoPE(key.dims, key.isTraditional, key.period, key.scale));
        Node input = AsType(x, computed), first = AsType(offset, MLX_INT32);
        Node turned = frequencies is null
            ? Make(rope, x.Shape, computed, input, first)
            : Make(rope, x.Shape, computed, input, first, AsType(frequencies, MLX_FLOAT32));
        return AsType(turned, x.Type);
    }

    /// <summary>
    /// softmax(scale · q·kᵀ + mask)·v for q [B, H, Lq, D], k [B, G, Lk, D] and v [B, G, Lk, Dv];
    /// <paramref name="maskMode"/> is empty, <c>causal</c> or <c>array</c>.
    /// </summary>
    public static Node ScaledDotProductAttention(
        Node queries, Node keys, Node values, float scale, string maskMode, Node? mask, Node? sinks)
    {
        const string Op = "[scaled_dot_product_attention]";
        foreach (Node node in (ReadOnlySpan<Node>)[queries, keys, values])
        {
            if (node.Rank != 4)
                throw new ArgumentException($"{Op} input with shape {Text(node.Shape)} expected to be rank 4");
        }

        if (maskMode is not ("" or "causal" or "array"))
            throw new ArgumentException(
                $"{Op} Invalid mask_mode {maskMode}. mask_mode must be 'causal', 'array' or ''.");
        if (maskMode == "causal" && mask is not null)
            throw new ArgumentException(
                $"{Op} Invalid mask_arr for mask_mode 'causal'. No array mask should be passed.");
        if (mask is { Rank: > 4 })
            throw new ArgumentException(
                $"{Op} the mask with shape {Text(mask.Shape)} expected to have at most rank 4.");
        foreach (Node node in (ReadOnlySpan<Node>)[keys, values])
        {
            if (node.Shape[0] != queries.Shape[0])
                throw new ArgumentException(
                    $"{Op} mismatching batch dimension for input with shape {Text(node.Shape)}.");
        }

        if (queries.Shape[3] != keys.Shape[3])
            throw new ArgumentException(
                $"{Op} query, keys expected to have matching last dimension; found query shape "
                    + $"{Text(queries.Shape)} for "
                + $"keys shape {Text(keys.Shape)}.");
        int nHeads = queries.Shape[1], nKeyHeads = keys.Shape[1];
        if (nKeyHeads != values.Shape[1])
            throw new ArgumentException(
                $"{Op} keys, values expected to have matching n_kv_heads; found keys with n_heads {nKeyHeads} for "
                    + "values "
                + $"with n_heads {values.Shape[1]}.");
        if (nKeyHeads == 0 || nHeads % nKeyHeads != 0)
            throw new ArgumentException(
                $"{Op} n_heads must be a multiple of n_kv_heads, found n_heads {nHeads} for n_kv_heads {nKeyHeads}.");
        if (keys.Shape[2] != values.Shape[2])
            throw new ArgumentException(
                $"{Op} keys, values expected to have the same length; found {keys.Shape[2]} and {values.Shape[2]}.");
        mlx_dtype type = DTypes.Promote(DTypes.Promote(queries.Type, keys.Type), values.Type);
        if (!type.IsFloating())
            throw new ArgumentException($"{Op} Received unsupported type {type.Name()}.");
        if (type == MLX_FLOAT64)
            throw new ArgumentException($"{Op} float64 is not supported; convert queries, keys and values to float32.");

        Node? numbers = null, wideSinks = null;
        AttentionMask kind = maskMode == "causal" ? AttentionMask.Causal : AttentionMask.None;
        if (mask is not null)
        {
            if (DTypes.Promote(mask.Type, type) != type)
                throw new ArgumentException($"{Op} Mask type must promote to output type {type.Name()}.");
            kind = mask.Type == MLX_BOOL ? AttentionMask.Boolean : AttentionMask.Additive;
            numbers = BroadcastTo(
                kind == AttentionMask.Boolean ? mask : AsType(mask, type),
                [queries.Shape[0], nHeads, queries.Shape[2], keys.Shape[2]]);
        }

        if (sinks is not null)
        {
            if (DTypes.Promote(sinks.Type, type) != type)
                throw new ArgumentException($"{Op} Type of sinks must promote to output type {type.Name()}.");
            if (sinks.Rank != 1 || sinks.Shape[0] != nHeads)
                throw new ArgumentException($"{Op} Received invalid shape for sinks {Text(sinks.Shape)}.");
            wideSinks = AsType(AsType(sinks, type), MLX_FLOAT32);
        }

        ScaledDotProductAttention attention = Shared.Of(
            (scale, kind, hasSinks: sinks is not null),
            static key => new ScaledDotProductAttention(key.scale, key.kind, key.hasSinks));
        ReadOnlySpan<int> shape = [queries.Shape[0], nHeads, queries.Shape[2], values.Shape[3]];
        (Node q, Node k, Node v) = (AsType(queries, type), AsType(keys, type), AsType(values, type));
        return (numbers, wideSinks) switch
        {
            (null, null) => Make(attention, shape, type, q, k, v),
            ({ } one, null) => Make(attention, shape, type, q, k, v, one),
            (null, { } one) => Make(attention, shape, type, q, k, v, one),
            ({ } first, { } second) => Make(attention, shape, type, q, k, v, first, second),
        };
    }

    private static void RefuseScalarInput(string operation, Node x)
    {
        if (x.Rank == 0)
            throw new ArgumentException(
                $"[{operation}] Input must have at least 1 dimension but got input with 0 dimensions.");
    }

    private static void RefuseParameter(string operation, string name, Node? parameter, Node x)
    {
        if (parameter is null)
            return;
        if (parameter.Rank != 1)
            throw new ArgumentException(
                $"[{operation}] {name} must have 1 dimension but has {parameter.Rank} dimensions.");
        if (parameter.Size != x.Shape[^1])
            throw new ArgumentException(
                $"[{operation}] {name} must have the same size as the last dimension of x but has {parameter.Size} "
                    + "elements.");
    }

    /// <summary>The dtype in which the kernels normalise: they compute in float32.</summary>
    private static mlx_dtype NormType(string operation, mlx_dtype type)
    {
        if (!type.IsFloating())
            throw new ArgumentException($"[{operation}] Received unsupported type {type.Name()}.");
        return type == MLX_FLOAT64 ? MLX_FLOAT32 : type;
    }
}
