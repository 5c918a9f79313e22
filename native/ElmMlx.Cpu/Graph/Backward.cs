namespace ElmMlx.Cpu;

/// <summary>What a primitive needs to know to write its gradient.</summary>
/// <param name="Inputs">Of the forward operation; computed or not.</param>
/// <param name="Outputs">Of the forward operation.</param>
/// <param name="Cotangents">One an output, of its shape and dtype; null where the result does not depend on it.</param>
/// <param name="IsWanted">
/// Whether an input's gradient is asked for. A node made for another input would hold memory for ever: make none.
/// </param>
internal readonly record struct Backward(Node[] Inputs, Node[] Outputs, Node?[] Cotangents, bool[] IsWanted)
{
    /// <summary>The first input.</summary>
    public Node X => Inputs[0];

    /// <summary>The second input.</summary>
    public Node Y => Inputs[1];

    /// <summary>The first output.</summary>
    public Node Output => Outputs[0];

    /// <summary>The cotangent of the only output.</summary>
    public Node Cotangent => Cotangents[0]!;

    /// <summary>The cotangent where a condition of its shape holds, else 0.</summary>
    public Node CotangentWhere(Node condition) =>
        Ops.Where(condition, Cotangent, Ops.Scalar(0, Cotangent.Type));

    /// <summary>One gradient an input, made where it is asked for.</summary>
    public Node?[] Each(params ReadOnlySpan<Func<Node>?> gradients)
    {
        var made = new Node?[Inputs.Length];
        for (int i = 0; i < gradients.Length; i++)
            made[i] = IsWanted[i] ? gradients[i]?.Invoke() : null;
        return made;
    }
}
