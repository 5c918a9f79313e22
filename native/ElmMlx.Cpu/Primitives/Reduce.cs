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

    /// <summary>What has the result's shape, with the folded axes of x as axes of length 1.</summary>
    protected Node Unfolded(Node reduced, Node x)
    {
        if (reduced.Rank == x.Rank)
            return reduced;
        int[] shape = [.. x.Shape];
        foreach (int axis in Axes)
            shape[axis] = 1;
        return Ops.Reshape(reduced, shape);
    }

    /// <summary>Equal extremes share the cotangent evenly.</summary>
    protected Node?[] ExtremeGradient(Backward backward)
    {
        Node isExtreme = Ops.AsType(
            Ops.Equal(backward.X, Unfolded(backward.Output, backward.X)), backward.Cotangent.Type);
        Node share = Ops.Divide(
            Unfolded(backward.Cotangent, backward.X), Ops.Sum(isExtreme, Axes, keepDims: true));
        return [Ops.Multiply(share, isExtreme)];
    }
}

internal sealed class Sum(int[] axes) : Reduce(axes)
{
    public override Node?[] Gradient(Backward backward)
    {
        Node cotangent = Ops.AsType(Unfolded(backward.Cotangent, backward.X), backward.X.Type);
        return [Ops.BroadcastTo(cotangent, backward.X.Shape)];
    }

    protected override void Run(Node x, Node y) => ReduceKernels.Sum<AddFormula>(x, y, Axes, start: 0);
}

internal sealed class Prod(int[] axes) : Reduce(axes)
{
    // The product of all other elements: of those before times those after, so that zeros do no harm.
    public override Node?[] Gradient(Backward backward)
    {
        Node x = backward.X, rows = Ops.LastAxis(x, Axes);
        Node before = Ops.CumProd(rows, -1, isReverse: false, isInclusive: false);
        Node after = Ops.CumProd(rows, -1, isReverse: true, isInclusive: false);
        Node others = Ops.Axes(Ops.Multiply(before, after), x.Shape, Axes);
        return [Ops.Multiply(Ops.Conjugate(others), Unfolded(backward.Cotangent, x))];
    }

    protected override void Run(Node x, Node y) => ReduceKernels.Sum<MultiplyFormula>(x, y, Axes, start: 1);
}

internal sealed class Max(int[] axes) : Reduce(axes)
{
    public override Node?[] Gradient(Backward backward) => ExtremeGradient(backward);

    protected override void Run(Node x, Node y) => ReduceKernels.Extreme<MaximumFormula>(x, y, Axes, isMax: true);
}

internal sealed class Min(int[] axes) : Reduce(axes)
{
    public override Node?[] Gradient(Backward backward) => ExtremeGradient(backward);

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
