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
}
