using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>
/// Elements sorted along the last axis. Partition is this too: a sorted array is partitioned everywhere.
/// </summary>
internal sealed class Sort(string name) : Primitive
{
    public override string Name { get; } = name;

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].Allocate();
        SortKernels.Run(inputs[0], outputs[0], isArgSort: false);
    }

    // Back to where the elements came from. MLX's sort takes the cotangents in the elements' new order instead, which
    // is another permutation: not copied.
    public override Node?[] Gradient(Backward backward) => [Ops.PutAlongAxis(
        Ops.ZerosLike(backward.X), Ops.ArgSort(backward.X, -1), backward.Cotangent, -1)];
}

/// <summary>Where the sorted elements stood along the last axis.</summary>
internal sealed class ArgSort(string name) : Primitive
{
    public override string Name { get; } = name;

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].Allocate();
        SortKernels.Run(inputs[0], outputs[0], isArgSort: true);
    }
}
