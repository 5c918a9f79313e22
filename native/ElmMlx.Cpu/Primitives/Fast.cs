using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>x / √(mean x² + ε) · weight over the last axis. Inputs: x and, where there is one, the weight.</summary>
internal sealed class RmsNorm(float epsilon) : Primitive
{
    public override string Name => "RMSNorm";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0];
        output.Allocate();
        if (output.Size == 0)
            return;
        using var x = new ContiguousRows(inputs[0]);
        using var weight = new ContiguousRows(inputs[^1]);
        NormKernels.RmsNorm(new NormArguments
        {
            Rows = x.Rows,
            Width = output.Shape[^1],
            Type = output.Type,
            X = x.Node.Data,
            Y = output.Data,
            Epsilon = epsilon,
            Weight = inputs.Length > 1 ? weight.Node.Data : null,
        });
    }

    public override Node?[] Gradient(Backward backward) => NormBackward.Of(
        backward, epsilon, centres: false, hasWeight: backward.Inputs.Length > 1, hasBias: false);
}

/// <summary>
/// (x − mean) / √(variance + ε) · weight + bias over the last axis. Inputs: x, and weight and bias where they are.
/// </summary>
internal sealed class LayerNorm(float epsilon, bool hasWeight, bool hasBias) : Primitive
{
    public override string Name => "LayerNorm";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0];
        output.Allocate();
        if (output.Size == 0)
            return;
        using var x = new ContiguousRows(inputs[0]);
        using var weight = new ContiguousRows(inputs[hasWeight ? 1 : 0]);
        using var bias = new ContiguousRows(inputs[hasBias ? ^1 : 0]);
        NormKernels.LayerNorm(new NormArguments
        {
            Rows = x.Rows,
            Width = output.Shape[^1],
            Type = output.Type,
            X = x.Node.Data,
            Y = output.Data,
            Epsilon = epsilon,
            Weight = hasWeight ? weight.Node.Data : null,
            Bias = hasBias ? bias.Node.Data : null,
        });
    }

    public override Node?[] Gradient(Backward backward) =>
        NormBackward.Of(backward, epsilon, centres: true, hasWeight, hasBias);
}

/// <summary>
/// Rotary position embedding. Inputs: x [B, .., L, D], the first position as int32 (one, or one a batch row), and where
/// given the periods of the pairs in float32; else they follow from the base.
/// </summary>
internal sealed class RoPE(int dims, bool isTraditional, float @base, float scale, bool isInverse = false) : Primitive
{
    public override string Name => "RoPE";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0], offset = inputs[1];
        output.Allocate();
        if (output.Size == 0)
            return;

        // Everything between batch and length counts as heads, which must be equally far apart.
        Node heads = inputs[0];
        int rank = heads.Rank;
        bool isUniform =
            new RowOffsets(heads.Shape.AsSpan(1..^1), heads.Strides.AsSpan(1..^1)).IsUniform(out long headStride);
        using var x = new ContiguousRows(heads, isUniform ? 1 : rank);
        if (x.Node != heads)
            headStride = (long)heads.Shape[^2] * heads.Shape[^1];
        int half = dims / 2, nOffsets = (int)offset.Size;
        float* frequencies = stackalloc float[half];
        for (int i = 0; i < half; i++)
        {
            frequencies[i] = inputs.Length > 2
                ? 1 / ((float*)inputs[2].Data)[i * inputs[2].Strides[0]]
                : RopeKernels.Frequency(@base, i, half);
        }

        Span<int> offsets = nOffsets == 1 ? stackalloc int[1] : new int[nOffsets];
        for (int i = 0; i < nOffsets; i++)
            offsets[i] = ((int*)offset.Data)[offset.Rank == 0 ? 0 : i * offset.Strides[0]];
        fixed (int* firstPositions = offsets)
        {
            RopeKernels.Run(new RopeArguments
            {
                B = heads.Shape[0],
                H = (int)(output.Size / heads.Shape[0] / heads.Shape[^2] / heads.Shape[^1]),
                L = heads.Shape[^2],
                D = heads.Shape[^1],
                Dims = dims,
                IsTraditional = isTraditional,
                IsInverse = isInverse,
                Scale = scale,
                Type = output.Type,
                X = x.Node.Data,
                BatchStride = x.Node.Strides[0],
                HeadStride = headStride,
                RowStride = x.Node.Strides[^2],
                Y = output.Data,
                InverseFrequencies = frequencies,
                Offsets = firstPositions,
                HasOffsetPerBatch = nOffsets > 1,
            });
        }
    }

    // A turn is undone by the opposite one.
    public override Node?[] Gradient(Backward backward) => backward.Each(() => Ops.Make(
        new RoPE(dims, isTraditional, @base, scale, !isInverse), backward.X.Shape, backward.X.Type,
        [backward.Cotangent, .. backward.Inputs[1..]]));
}

/// <summary>
/// softmax(scale · q·kᵀ + mask)·v. Inputs: q, k, v, and where they are the mask, then the sinks in float32.
/// </summary>
internal sealed class ScaledDotProductAttention(float scale, AttentionMask mask, bool hasSinks) : Primitive
{
    public override string Name => "ScaledDotProductAttention";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0];
        output.Allocate();
        if (output.Size == 0)
            return;
        using var attention = new AttentionInputs(inputs, scale, mask, hasSinks);
        AttentionKernels.Run(attention.Arguments with { Y = output.Data });
    }

    public override Node?[] Gradient(Backward backward) => AttentionBackward.Of(backward, scale, mask, hasSinks);
}
