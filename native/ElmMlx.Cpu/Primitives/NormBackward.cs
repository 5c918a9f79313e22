using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>
/// The gradients of RMSNorm and LayerNorm in one pass. Inputs: the norm's, then the cotangent; outputs: a gradient for
/// each of the norm's inputs.
/// </summary>
internal sealed class NormBackward(float epsilon, bool centres, bool hasWeight, bool hasBias) : Primitive
{
    public override string Name => centres ? "LayerNormVJP" : "RMSNormVJP";

    public static Node?[] Of(Backward backward, float epsilon, bool centres, bool hasWeight, bool hasBias) =>
    [
        .. Operation.New(
            new NormBackward(epsilon, centres, hasWeight, hasBias), [.. backward.Inputs, backward.Cotangent],
            [.. backward.Inputs.Select(input => input.Shape)],
            [.. backward.Inputs.Select(input => input.Type)]).Outputs,
    ];

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        using var x = new ContiguousRows(inputs[0]);
        using var weight = new ContiguousRows(inputs[hasWeight ? 1 : 0]);
        using var cotangent = new ContiguousRows(inputs[^1]);
        if (!outputs[0].IsDead)
            outputs[0].AllocateOver(inputs[^1]);
        foreach (Node output in outputs[1..])
        {
            if (!output.IsDead)
                output.Allocate();
        }

        NormGradientKernels.Run(new NormGradientArguments
        {
            Forward = new NormArguments
            {
                Rows = x.Rows,
                Width = x.Node.Shape[^1],
                Type = x.Node.Type,
                X = x.Node.Data,
                Epsilon = epsilon,
                Weight = hasWeight ? weight.Node.Data : null,
            },
            Centres = centres,
            G = cotangent.Node.Data,
            GRows = cotangent.Rows,
            OfX = outputs[0].IsDead ? null : outputs[0].Data,
            OfWeight = !hasWeight || outputs[1].IsDead ? null : outputs[1].Data,
            OfBias = !hasBias || outputs[^1].IsDead ? null : outputs[^1].Data,
        });
    }

    public override Node?[] Gradient(Backward backward) => Gradients.Through(backward, first => centres
        ? NormGradients.LayerNorm(first, epsilon, hasWeight, hasBias)
        : NormGradients.RmsNorm(first, epsilon));
}
