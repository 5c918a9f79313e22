namespace ElmMlx.Cpu;

/// <summary>
/// The outputs of a function whose gradient is the caller's own. Inputs: the function's, then its outputs, which it
/// passes on.
/// </summary>
internal sealed class CustomTransforms : Primitive
{
    private readonly int _nInputs;
    private readonly Func<Node[], Node[], Node[], NodeVector> _gradient;
    private readonly ICounted[] _owners;

    /// <param name="nInputs">Of the function.</param>
    /// <param name="gradient">From primals, cotangents and outputs to one gradient a primal.</param>
    /// <param name="owners">What the gradient needs; held for as long as a graph can ask for it.</param>
    public CustomTransforms(
        int nInputs, Func<Node[], Node[], Node[], NodeVector> gradient, params ICounted[] owners)
    {
        (_nInputs, _gradient, _owners) = (nInputs, gradient, owners);
        foreach (ICounted owner in owners)
            owner.Retain();
    }

    ~CustomTransforms()
    {
        foreach (ICounted owner in _owners)
            owner.Release();
    }

    public override string Name => "CustomTransforms";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        for (int i = 0; i < outputs.Length; i++)
            outputs[i].ShareWith(inputs[_nInputs + i], inputs[_nInputs + i].Strides, inputs[_nInputs + i].Offset);
    }

    public override Node?[] Gradient(Backward backward)
    {
        Node[] primals = backward.Inputs[.._nInputs];
        Node[] cotangents = [.. backward.Cotangents.Select((c, i) => c ?? Ops.ZerosLike(backward.Outputs[i]))];
        NodeVector gradients = _gradient(primals, cotangents, backward.Outputs);
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
