using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>Some axes folded into one element each.</summary>
internal abstract class Reduce(int[] axes) : Primitive
{
    public override string Name => GetType().Name;

    /// <summary>Sorted, none twice.</summary>
    public int[] Axes { get; } = axes;

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].Allocate();
        Run(inputs[0], outputs[0]);
    }

    protected abstract void Run(Node x, Node y);
}

internal sealed class Sum(int[] axes) : Reduce(axes)
{
    protected override void Run(Node x, Node y) => ReduceKernels.Sum<AddFormula>(x, y, Axes, start: 0);
}

internal sealed class Prod(int[] axes) : Reduce(axes)
{
    protected override void Run(Node x, Node y) => ReduceKernels.Sum<MultiplyFormula>(x, y, Axes, start: 1);
}

internal sealed class Max(int[] axes) : Reduce(axes)
{
    protected override void Run(Node x, Node y) => ReduceKernels.Extreme<MaximumFormula>(x, y, Axes, isMax: true);
}

internal sealed class Min(int[] axes) : Reduce(axes)
{
    protected override void Run(Node x, Node y) => ReduceKernels.Extreme<MinimumFormula>(x, y, Axes, isMax: false);
}

/// <summary>Of bool: whether all are true.</summary>
internal sealed class And(int[] axes) : Reduce(axes)
{
    protected override void Run(Node x, Node y) => ReduceKernels.Logical<BitwiseAndFormula>(x, y, Axes, start: 1);
}

/// <summary>Of bool: whether any is true.</summary>
internal sealed class Or(int[] axes) : Reduce(axes)
{
    protected override void Run(Node x, Node y) => ReduceKernels.Logical<BitwiseOrFormula>(x, y, Axes, start: 0);
}

/// <summary>Index of the largest or smallest element along the last axis.</summary>
internal sealed class ArgReduce(bool isMax) : Primitive
{
    public override string Name => isMax ? "ArgMax" : "ArgMin";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].Allocate();
        ArgReduceKernels.Run(inputs[0], outputs[0], isMax);
    }
}
