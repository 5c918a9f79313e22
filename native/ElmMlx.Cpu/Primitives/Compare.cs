using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>Whether x and y compare, element by element; the result is bool.</summary>
internal abstract class Compare<TFormula> : Primitive
    where TFormula : struct, INumberCompare
{
    public override string Name => GetType().Name;

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].Allocate();
        if (inputs[0].Type == mlx_dtype.MLX_COMPLEX64)
            RunComplex(inputs[0], inputs[1], outputs[0]);
        else
            BinaryKernels.Compare<TFormula>(inputs[0], inputs[1], outputs[0]);
    }

    protected virtual void RunComplex(Node x, Node y, Node z) =>
        throw new ArgumentException($"[{Name}] Complex numbers have no order.");
}

internal sealed class Greater : Compare<GreaterFormula>;

internal sealed class GreaterEqual : Compare<GreaterEqualFormula>;

internal sealed class Less : Compare<LessFormula>;

internal sealed class LessEqual : Compare<LessEqualFormula>;

internal sealed class Equal : Compare<EqualFormula>
{
    protected override void RunComplex(Node x, Node y, Node z) =>
        BinaryKernels.CompareComplex(x, y, z, isNegated: false, nanEqualsNan: false);
}

internal sealed class NotEqual : Compare<NotEqualFormula>
{
    protected override void RunComplex(Node x, Node y, Node z) =>
        BinaryKernels.CompareComplex(x, y, z, isNegated: true, nanEqualsNan: false);
}

internal sealed class NaNEqual : Compare<NanEqualFormula>
{
    protected override void RunComplex(Node x, Node y, Node z) =>
        BinaryKernels.CompareComplex(x, y, z, isNegated: false, nanEqualsNan: true);
}

/// <summary>x where the condition holds, else y.</summary>
internal sealed class Select : Primitive
{
    public override string Name => "Select";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].AllocateOver(inputs[inputs[1].IsRowContiguous ? 1 : 2]);
        BinaryKernels.Select(inputs[0], inputs[1], inputs[2], outputs[0]);
    }

    public override Node?[] Gradient(Backward backward) => backward.Each(
        null,
        () => backward.CotangentWhere(backward.X),
        () => backward.CotangentWhere(Ops.LogicalNot(backward.X)));
}
