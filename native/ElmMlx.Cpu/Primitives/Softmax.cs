using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

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

    public static Node Of(Node y, Node g) => Ops.Make(Shared.Of<SoftmaxGradient>(), y.Shape, y.Type, y, g);

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

    // Half precision has rounded the sum too far for exp(x − sum).
    public override Node?[] Gradient(Backward backward)
    {
        Node x = backward.X;
        return x.Type is MLX_FLOAT32 or MLX_FLOAT64
            ? backward.Each(() => Ops.Make(
                Shared.Of<LogSumExpGradient>(), x.Shape, x.Type, x, backward.Output, backward.Cotangent))
            : backward.Each(() => Ops.Multiply(
                LogSumExpGradient.Column(backward.Cotangent), Ops.Make(Shared.Of<Softmax>(), x.Shape, x.Type, x)));
    }
}

/// <summary>
/// g · exp(x − y): the gradient of log Σ exp(x) = y along the last axis. Inputs: x, y and g; float32 or float64.
/// </summary>
internal sealed class LogSumExpGradient : Primitive
{
    public override string Name => "LogSumExpGradient";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0];
        output.AllocateOver(inputs[0]);
        if (output.Size == 0)
            return;
        using var x = new ContiguousRows(inputs[0]);
        using var y = new ContiguousRows(inputs[1], inputs[1].Rank);
        using var g = new ContiguousRows(inputs[2], inputs[2].Rank);
        int width = output.Shape[^1];
        if (output.Type == MLX_FLOAT64)
        {
            LogSumExpGradientKernels.Run(
                (double*)x.Node.Data, x.Rows, width, (double*)y.Node.Data, (double*)g.Node.Data, (double*)output.Data);
        }
        else
        {
            LogSumExpGradientKernels.Run(
                (float*)x.Node.Data, x.Rows, width, (float*)y.Node.Data, (float*)g.Node.Data, (float*)output.Data);
        }
    }

    // With h the cotangent and r the result: h · r for x, −Σ h · r for y, Σ h · exp(x − y) for g.
    public override Node?[] Gradient(Backward backward)
    {
        (Node x, Node y, Node h) = (backward.X, backward.Y, backward.Cotangent);
        return backward.Each(
            () => Ops.Multiply(h, backward.Output),
            () => Ops.Negative(RowSums(Ops.Multiply(h, backward.Output))),
            () => RowSums(Ops.Multiply(h, Ops.Exp(Ops.Subtract(x, Column(y))))));
    }

    /// <summary>One number a row, beside the row's elements.</summary>
    internal static Node Column(Node numbers) => Ops.Reshape(numbers, [.. numbers.Shape, 1]);

    private static Node RowSums(Node a) => Ops.Sum(a, [-1], keepDims: false);
}
