using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>Another dtype, element by element.</summary>
internal sealed class AsType : Primitive
{
    public override string Name => "AsType";

    public override ElementKernel OfElements(Operation operation) =>
        ElementKernel.OfCast(operation.Inputs[0].Type, operation.Outputs[0].Type);

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node input = inputs[0], output = outputs[0];
        output.AllocateOver(input);
        CastKernels.Run(input, output.Data, output.Type);
    }

    public override Node?[] Gradient(Backward backward) =>
        backward.Each(() => Ops.AsType(backward.Cotangent, backward.X.Type));
}

/// <summary>The same elements, seen in a larger shape through strides of 0.</summary>
internal sealed class Broadcast : Primitive
{
    public override string Name => "Broadcast";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node input = inputs[0], output = outputs[0];
        Span<long> strides = stackalloc long[output.Rank];
        for (int i = 1; i <= input.Rank; i++)
            strides[^i] = input.Shape[^i] == 1 ? 0 : input.Strides[^i];
        output.ShareWith(input, Interned.Of(strides), input.Offset);
    }

    public override Node?[] Gradient(Backward backward) =>
        backward.Each(() => Ops.SumTo(backward.Cotangent, backward.X.Shape));
}

/// <summary>
/// The same elements one after another in row-major order, or in column-major where that is allowed and so already.
/// </summary>
internal sealed class Contiguous(bool allowsColumnMajor) : Primitive
{
    public override string Name => "Contiguous";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node input = inputs[0], output = outputs[0];
        if (input.IsRowContiguous)
        {
            output.ShareWith(input, Node.RowStrides(output.Shape), input.Offset);
            return;
        }

        if (allowsColumnMajor && input.IsColumnContiguous)
        {
            output.ShareWith(input, input.Strides, input.Offset);
            return;
        }

        output.Allocate();
        CopyKernels.Run(input, output.Data);
    }

    public override Node?[] Gradient(Backward backward) => backward.Each(() => backward.Cotangent);
}

/// <summary>The same node again: copies, and what a transform watches.</summary>
internal sealed class Share(string name) : Primitive
{
    public static readonly Share Copy = new("Copy"), Identity = new("Identity");

    public override string Name => name;

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs) =>
        outputs[0].ShareWith(inputs[0], inputs[0].Strides, inputs[0].Offset);

    public override Node?[] Gradient(Backward backward) => [backward.Cotangent];
}

/// <summary>The same node again, which no gradient passes.</summary>
internal sealed class StopGradient : Primitive
{
    public override string Name => "StopGradient";

    public override bool StopsGradient => true;

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs) =>
        outputs[0].ShareWith(inputs[0], inputs[0].Strides, inputs[0].Offset);
}
