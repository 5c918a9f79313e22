using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>Slices of the first input, one for each index that the others hold.</summary>
internal sealed class Gather(int[] axes, int[] sliceSizes) : Primitive
{
    public override string Name => "Gather";

    public int[] Axes => axes;

    public int[] SliceSizes => sliceSizes;

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node input = inputs[0], output = outputs[0];
        output.Allocate();
        if (output.Size == 0)
            return;
        var offsets = new long[inputs.Length > 1 ? inputs[1].Size : 1];
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = axes[i];
            GatherKernels.AddOffsets(
                "gather", inputs[i + 1], axis, input.Shape[axis], input.Shape[axis] - sliceSizes[axis],
                input.Strides[axis], offsets);
        }

        long sliceSize = output.Size / offsets.Length;
        StridedLayout slice = StridedLayout.Collapse(sliceSizes, input.Strides, Node.RowStrides(sliceSizes));
        GatherKernels.Slices(output.Type.Size(), slice, sliceSize, input.Data, output.Data, offsets);
    }
}

/// <summary>The first input with slices of the last one combined into it, one for each index that the others hold.</summary>
internal sealed class Scatter(int[] axes, ScatterMode mode) : Primitive
{
    public override string Name => "Scatter";

    public int[] Axes => axes;

    public ScatterMode Mode => mode;

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node updates = inputs[^1], output = outputs[0];
        output.AllocateCopyOf(inputs[0]);
        if (updates.Size == 0)
            return;
        int[] sliceShape = updates.Shape[^output.Rank..];
        var offsets = new long[axes.Length > 0 ? inputs[1].Size : 1];
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = axes[i];
            GatherKernels.AddOffsets(
                "scatter", inputs[i + 1], axis, output.Shape[axis], output.Shape[axis] - sliceShape[axis],
                output.Strides[axis], offsets);
        }

        Buffer? rows = null;
        void* source = updates.Data;
        if (!updates.IsRowContiguous)
        {
            rows = Buffer.Allocate(updates.Size * updates.Type.Size());
            source = rows.Pointer;
            CopyKernels.Run(updates, source);
        }

        StridedLayout slice = StridedLayout.Collapse(sliceShape, Node.RowStrides(sliceShape), output.Strides);
        ScatterKernels.Run(
            mode, output.Type, slice, source, updates.Size / offsets.Length, output.Data, offsets);
        rows?.Release();
    }
}

/// <summary>Elements of the first input at the indices of the second, along one axis.</summary>
internal sealed class GatherAxis(int axis) : Primitive
{
    public override string Name => "GatherAxis";

    public int Axis => axis;

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node input = inputs[0], indices = inputs[1], output = outputs[0];
        output.Allocate();
        var offsets = new long[indices.Size];
        GatherKernels.AddOffsets(
            "take_along_axis", indices, axis, input.Shape[axis], input.Shape[axis] - 1L, input.Strides[axis], offsets);
        switch (output.Type.Size())
        {
            case 1:
                Run<byte>(input, output, offsets);
                break;
            case 2:
                Run<ushort>(input, output, offsets);
                break;
            case 4:
                Run<uint>(input, output, offsets);
                break;
            default:
                Run<ulong>(input, output, offsets);
                break;
        }
    }

    private unsafe void Run<T>(Node input, Node output, long[] offsets)
        where T : unmanaged =>
        GatherKernels.AlongAxis<CombineSet<T>, T>(
            output.Shape, axis, offsets, (T*)input.Data, input.Strides, (T*)output.Data, output.Strides, isGather: true);
}

/// <summary>The first input with the third's elements put, or added, at the indices of the second along one axis.</summary>
internal sealed class ScatterAxis(int axis, ScatterMode mode) : Primitive
{
    public override string Name => "ScatterAxis";

    public int Axis => axis;

    public ScatterMode Mode => mode;

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node indices = inputs[1], output = outputs[0];
        output.AllocateCopyOf(inputs[0]);
        var offsets = new long[indices.Size];
        string operation = mode == ScatterMode.Set ? "put_along_axis" : "scatter_add_axis";
        GatherKernels.AddOffsets(
            operation, indices, axis, output.Shape[axis], output.Shape[axis] - 1L, output.Strides[axis], offsets);
        AxisScatter.Run(mode, axis, indices.Shape, offsets, inputs[2], output);
    }
}

/// <summary>The first input with the third written over the slice that begins at <c>starts</c>, or combined into it.</summary>
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
        ScatterKernels.Run(mode, output.Type, layout, update.Data, 0, output.Data, [offset]);
    }
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
            update.Data, update.Strides, (byte*)output.Data + offset * itemBytes, output.Strides, update.Shape, itemBytes);
    }
}

/// <summary>The first input with elements of the third, in their order, where the second is true.</summary>
internal sealed class MaskedScatter : Primitive
{
    public override string Name => "MaskedScatter";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node mask = inputs[1], values = inputs[2], output = outputs[0];
        output.AllocateCopyOf(inputs[0]);
        int itemBytes = output.Type.Size();
        Buffer maskRows = Buffer.Allocate(mask.Size), valueRows = Buffer.Allocate(values.Size * itemBytes);
        CopyKernels.Run(mask, maskRows.Pointer);
        CopyKernels.Run(values, valueRows.Pointer);
        byte* to = (byte*)output.Data, from = valueRows.Pointer;
        long nTrue = 0;
        for (long i = 0; i < output.Size; i++, to += itemBytes)
        {
            if (maskRows.Pointer[i] == 0)
                continue;
            if (++nTrue > values.Size)
                break;
            System.Buffer.MemoryCopy(from, to, itemBytes, itemBytes);
            from += itemBytes;
        }

        maskRows.Release();
        valueRows.Release();
        if (nTrue > values.Size)
            throw new ArgumentException(
                $"[masked_scatter] The mask is true more often than there are values ({values.Size}).");
    }
}
