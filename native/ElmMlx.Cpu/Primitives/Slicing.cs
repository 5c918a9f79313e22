using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>Every <c>steps[i]</c>-th element of axis i from <c>starts[i]</c> on. A view.</summary>
internal sealed class Slice(int[] starts, int[] steps) : Primitive
{
    public override string Name => "Slice";

    public int[] Starts => starts;

    public int[] Steps => steps;

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node input = inputs[0];
        (long offset, long[] strides) = View(input.Offset, input.Strides, starts, steps);
        outputs[0].ShareWith(input, strides, offset);
    }

    // The cotangent among zeros.
    public override Node?[] Gradient(Backward backward) => backward.Each(() => steps.All(step => step == 1)
        ? Ops.Make(
            new Pad(starts), backward.X.Shape, backward.X.Type, backward.Cotangent, Ops.Scalar(0, backward.X.Type))
        : Ops.Make(
            new SliceUpdate(starts, steps, ScatterMode.Sum), backward.X.Shape, backward.X.Type,
            Ops.ZerosLike(backward.X), backward.Cotangent));

    /// <summary>The same part of another node of the input's shape.</summary>
    internal static Node Of(Node whole, int[] starts, int[] steps, int[] shape) =>
        Ops.Make(new Slice(starts, steps), shape, whole.Type, whole);

    /// <summary>Where a slice of a strided view begins, and its strides.</summary>
    internal static (long Offset, long[] Strides) View(long offset, long[] strides, int[] starts, int[] steps)
    {
        Span<long> sliced = stackalloc long[strides.Length];
        for (int axis = 0; axis < strides.Length; axis++)
        {
            offset += starts[axis] * strides[axis];
            sliced[axis] = steps[axis] * strides[axis];
        }

        return (offset, Interned.Of(sliced));
    }
}

/// <summary>The parts of an array one after another along an axis. Views.</summary>
internal sealed class Split(int axis) : Primitive
{
    public override string Name => "Split";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node input = inputs[0];
        long offset = input.Offset;
        foreach (Node output in outputs)
        {
            output.ShareWith(input, input.Strides, offset);
            offset += output.Shape[axis] * input.Strides[axis];
        }
    }

    public override Node?[] Gradient(Backward backward) => backward.Each(() => Ops.Make(
        new Concatenate(axis), backward.X.Shape, backward.X.Type,
        [.. backward.Cotangents.Select((cotangent, i) => cotangent
            ?? Ops.BroadcastTo(Ops.Scalar(0, backward.X.Type), backward.Outputs[i].Shape))]));
}

/// <summary>A slice that begins where the second input says. A view.</summary>
internal sealed class DynamicSlice(int[] axes) : Primitive
{
    public override string Name => "DynamicSlice";

    public int[] Axes => axes;

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node input = inputs[0], output = outputs[0];
        outputs[0].ShareWith(
            input, input.Strides, input.Offset + Offset("slice", inputs[1], input, input.Strides, axes, output.Shape));
    }

    public override Node?[] Gradient(Backward backward) => backward.Each(() => Ops.Make(
        new DynamicSliceUpdate(axes), backward.X.Shape, backward.X.Type, Ops.ZerosLike(backward.X), backward.Cotangent,
        backward.Y));

    /// <summary>Elements from the first element to the start that <paramref name="starts"/> names.</summary>
    internal static unsafe long Offset(
        string operation, Node starts, Node whole, long[] strides, int[] axes, int[] sliceShape)
    {
        long offset = 0;
        for (int i = 0; i < axes.Length; i++)
        {
            long step = starts.Rank == 0 ? 0 : starts.Strides[0];
            long start = ItemReader.ToInt64((byte*)starts.Data + i * step * starts.Type.Size(), starts.Type);
            int axis = axes[i];
            if (start < 0 || start + sliceShape[axis] > whole.Shape[axis])
                throw new ArgumentException(
                    $"[{operation}] A slice of {sliceShape[axis]} from {start} on leaves axis {axis} of "
                    + $"{Ops.Text(whole.Shape)}.");
            offset += start * strides[axis];
        }

        return offset;
    }
}

/// <summary>
/// The first input with the second written over the slice that begins at <c>starts</c>, or combined into it.
/// </summary>
internal sealed class SliceUpdate(int[] starts, int[] steps, ScatterMode mode) : Primitive
{
    public override string Name => "SliceUpdate";

    public int[] Starts => starts;

    public int[] Steps => steps;

    public ScatterMode Mode => mode;

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node update = inputs[1], output = outputs[0];
        output.AllocateCopyOf(inputs[0]);
        if (update.Size == 0)
            return;
        (long offset, long[] strides) = Slice.View(0, output.Strides, starts, steps);
        int itemBytes = output.Type.Size();
        if (mode == ScatterMode.Set)
        {
            CopyKernels.Run(
                update.Data, update.Strides, (byte*)output.Data + offset * itemBytes, strides, update.Shape, itemBytes);
            return;
        }

        StridedLayout layout = StridedLayout.Collapse(update.Shape, update.Strides, strides);
        ScatterKernels.Run(
            mode, output.Type, layout, update.Data, 0, output.Data, [offset], keepsNaN: true);
    }

    public override Node?[] Gradient(Backward backward)
    {
        Node cotangent = backward.Cotangent, update = backward.Y;
        return mode switch
        {
            ScatterMode.Set => backward.Each(() => Update(cotangent, Ops.ZerosLike(update)), () => Part(cotangent)),
            ScatterMode.Sum => backward.Each(() => cotangent, () => Part(cotangent)),
            ScatterMode.Prod => backward.Each(
                () => Update(cotangent, update), () => Ops.Multiply(Part(cotangent), Part(backward.X))),
            _ => backward.Each(
                () => Kept(cotangent, backward.Output, backward.X),
                () => Kept(Part(cotangent), Part(backward.Output), update)),
        };

        Node Update(Node whole, Node with) =>
            Ops.Make(new SliceUpdate(starts, steps, mode), whole.Shape, whole.Type, whole, with);

        Node Part(Node whole) => Slice.Of(whole, starts, steps, update.Shape);
    }

    /// <summary>The cotangent where a maximum or minimum is this operand's element.</summary>
    internal static Node Kept(Node cotangent, Node result, Node operand) =>
        Ops.Where(Ops.Equal(result, operand), cotangent, Ops.Scalar(0, cotangent.Type));
}

/// <summary>The first input with the second written over the slice that begins where the third says.</summary>
internal sealed class DynamicSliceUpdate(int[] axes) : Primitive
{
    public override string Name => "DynamicSliceUpdate";

    public int[] Axes => axes;

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node update = inputs[1], output = outputs[0];
        long[] strides = Node.RowStrides(output.Shape);
        long offset = DynamicSlice.Offset("slice_update", inputs[2], output, strides, axes, update.Shape);
        output.AllocateCopyOf(inputs[0]);
        int itemBytes = output.Type.Size();
        CopyKernels.Run(
            update.Data, update.Strides, (byte*)output.Data + offset * itemBytes, output.Strides, update.Shape,
            itemBytes);
    }

    public override Node?[] Gradient(Backward backward)
    {
        Node cotangent = backward.Cotangent, update = backward.Y, starts = backward.Inputs[2];
        return backward.Each(
            () => Ops.Make(this, cotangent.Shape, cotangent.Type, cotangent, Ops.ZerosLike(update), starts),
            () => Ops.Make(new DynamicSlice(axes), update.Shape, update.Type, cotangent, starts));
    }
}
