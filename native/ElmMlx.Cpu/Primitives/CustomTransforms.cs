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

    /// <summary>
    /// Tangents of the outputs, from primals and their tangents; null: the gradient's derivative tells them.
    /// </summary>
    public Func<Node[], Node[], NodeVector>? Tangents { get; init; }

    /// <summary>
    /// The function on inputs with one more axis (−1: without), and where the outputs have it; null: the function
    /// again, for each index.
    /// </summary>
    public Func<Node[], int[], (NodeVector Outputs, List<int> Axes)>? Vectorized { get; init; }

    /// <summary>Inputs of the function.</summary>
    public int InputCount => _nInputs;

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
        NodeVector gradients = Gradients.IsForward && Tangents is not null
            ? Transposed(primals, cotangents)
            : _gradient(primals, cotangents, backward.Outputs);
        if (Problem(gradients.Nodes, primals) is { } problem)
        {
            gradients.Clear();
            throw new ArgumentException(problem);
        }

        return [.. gradients.PassOn(), .. new Node?[backward.Outputs.Length]];
    }

    // Tangents are linear in the primals' tangents t. So vᵀ · J is the gradient of ⟨v, tangents(t)⟩; and J · v, which
    // takes its derivative with respect to v, is what the function says.
    private NodeVector Transposed(Node[] primals, Node[] cotangents)
    {
        (NodeVector values, NodeVector gradients) = Gradients.Vjp(
            tangents => Tangents!(primals, tangents), [.. primals.Select(Ops.ZerosLike)], Gradients.Given(cotangents));
        values.Clear();
        return gradients;
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
