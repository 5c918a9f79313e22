using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>Running sums, products, … along the last axis.</summary>
internal sealed class Scan(ScanKind kind, bool isReverse, bool isInclusive) : Primitive
{
    public override string Name => kind switch
    {
        ScanKind.Sum => "CumSum",
        ScanKind.Prod => "CumProd",
        ScanKind.Max => "CumMax",
        ScanKind.Min => "CumMin",
        _ => "CumLogaddexp",
    };

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].Allocate();
        ScanKernels.Run(inputs[0], outputs[0], kind, isReverse, isInclusive);
    }
}
