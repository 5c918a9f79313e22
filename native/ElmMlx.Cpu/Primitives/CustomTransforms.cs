namespace ElmMlx.Cpu;

/// <summary>
/// The outputs of a function whose gradient is the caller's own. Inputs: the function's, then its outputs, which it
/// passes on.
/// </summary>
internal sealed class CustomTransforms(int nInputs, Func<Node[], Node[], Node[], NodeVector> gradient) : Primitive
{
    public override string Name => "CustomTransforms";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        for (int i = 0; i < outputs.Length; i++)
            outputs[i].ShareWith(inputs[nInputs + i], inputs[nInputs + i].Strides, inputs[nInputs + i].Offset);
    }

    public override Node?[] Gradient(Backward backward)
    {
        Node[] primals = backward.Inputs[..nInputs];
        Node[] cotangents = [.. backward.Cotangents.Select((c, i) => c ?? Ops.ZerosLike(backward.Outputs[i]))];
        NodeVector gradients = gradient(primals, cotangents, backward.Outputs);
        if (Problem(gradients.Nodes, primals) is { } problem)
        {
            gradients.Clear();
            throw new ArgumentException(problem);
        }

        return [.. gradients.PassOn(), .. new Node?[backward.Outputs.Length]];
    }

    private static string? Problem(IReadOnlyList<Node> gradients, Node[] primals)
    {
        if (gradients.Count != primals.Length)
            return $"[custom_vjp] The gradient function answered {gradients.Count} arrays for {primals.Length} inputs.";
        for (int i = 0; i < primals.Length; i++)
        {
            if (!gradients[i].Shape.AsSpan().SequenceEqual(primals[i].Shape))
                return $"[custom_vjp] Input {i} is {primals[i]}, and the gradient function answered {gradients[i]}.";
        }

        return null;
    }
}
