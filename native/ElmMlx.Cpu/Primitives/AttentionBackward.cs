using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>
/// The gradients of attention in blocks. Inputs: attention's, then the cotangent; outputs: dq, dk and dv.
/// </summary>
internal sealed class AttentionBackward(float scale, AttentionMask mask, bool hasSinks) : Primitive
{
    public override string Name => "ScaledDotProductAttentionVJP";

    /// <summary>
    /// The gradients of an attention: in blocks, or where those of mask or sinks are asked for as graph operations.
    /// </summary>
    public static Node?[] Of(Backward backward, float scale, AttentionMask mask, bool hasSinks)
    {
        if (backward.IsWanted.AsSpan(3).Contains(true))
            return AttentionGradient.Of(backward, scale, mask, hasSinks);
        Node[] inputs = backward.Inputs;
        var made = Operation.New(
            new AttentionBackward(scale, mask, hasSinks), [.. inputs, backward.Cotangent],
            [inputs[0].Shape, inputs[1].Shape, inputs[2].Shape], [inputs[0].Type, inputs[1].Type, inputs[2].Type]);
        return [.. made.Outputs, .. new Node?[inputs.Length - 3]];
    }

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        using var forward = new AttentionInputs(inputs[..^1], scale, mask, hasSinks);
        using var cotangent = new ContiguousRows(inputs[^1]);
        foreach (Node output in outputs)
        {
            if (!output.IsDead)
                output.Allocate();
        }

        AttentionKernels.RunGradient(new AttentionGradientArguments
        {
            Forward = forward.Arguments,
            Cotangent = cotangent.Node.Data,
            CotangentBatch = cotangent.Node.Strides[0],
            CotangentHead = cotangent.Node.Strides[1],
            CotangentRow = cotangent.Node.Strides[2],
            OfQ = outputs[0].IsDead ? null : outputs[0].Data,
            OfK = outputs[1].IsDead ? null : outputs[1].Data,
            OfV = outputs[2].IsDead ? null : outputs[2].Data,
        });
    }

    public override Node?[] Gradient(Backward backward) =>
        Gradients.Through(backward, first => AttentionGradient.Of(first, scale, mask, hasSinks));
}
