using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>exp(x) / Σ exp(x) along the last axis.</summary>
internal sealed class Softmax : Primitive
{
    public override string Name => "Softmax";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].AllocateOver(inputs[0]);
        SoftmaxKernels.Softmax(inputs[0], outputs[0]);
    }

    public override Node?[] Gradient(Backward backward) => [SoftmaxGradient.Of(backward.Output, backward.Cotangent)];
}

/// <summary>y · (g − Σ g · y) along the last axis: the gradient of softmax. Inputs: y, its result, and g.</summary>
internal sealed class SoftmaxGradient : Primitive
{
    public override string Name => "SoftmaxGradient";

    public static Node Of(Node y, Node g) => Ops.Make(new SoftmaxGradient(), y.Shape, y.Type, y, g);

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0];
        output.AllocateOver(inputs[1]);
        if (output.Size == 0)
            return;
        using var y = new ContiguousRows(inputs[0]);
        using var g = new ContiguousRows(inputs[1]);
        SoftmaxGradientKernels.Run(new SoftmaxGradientArguments
        {
            Width = output.Rank == 0 ? 1 : output.Shape[^1],
            Type = output.Type,
            Y = y.Node.Data,
            YRows = y.Rows,
            G = g.Node.Data,
            GRows = g.Rows,
            Result = output.Data,
        });
    }

    // Symmetric in g: the same again. In y: h · (g − Σ g · y) − g · Σ h · y, where h is the cotangent.
    public override Node?[] Gradient(Backward backward)
    {
        (Node y, Node g, Node h) = (backward.X, backward.Y, backward.Cotangent);
        return backward.Each(
            () => Ops.Subtract(
                Ops.Multiply(h, Ops.Subtract(g, RowSums(g, y))), Ops.Multiply(g, RowSums(h, y))),
            () => Of(y, h));
    }

    private static Node RowSums(Node a, Node b) => Ops.Sum(Ops.Multiply(a, b), [-1], keepDims: true);
}

/// <summary>log Σ exp(x) along the last axis, which goes.</summary>
internal sealed class LogSumExp : Primitive
{
    public override string Name => "LogSumExp";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].Allocate();
        SoftmaxKernels.LogSumExp(inputs[0], outputs[0]);
    }

    public override Node?[] Gradient(Backward backward)
    {
        Node x = backward.X, column = Ops.Reshape(backward.Cotangent, [.. backward.Output.Shape, 1]);
        return [Ops.Multiply(column, Ops.Make(new Softmax(), x.Shape, x.Type, x))];
    }
}
