using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>Slices of the first input, one for each index that the others hold.</summary>
internal sealed class Gather(int[] axes, int[] sliceSizes) : Primitive
{
    private const int FewSlices = 64;

    public override string Name => "Gather";

    public int[] Axes => axes;

    public int[] SliceSizes => sliceSizes;

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node input = inputs[0], output = outputs[0];
        output.Allocate();
        if (output.Size == 0)
            return;
        long nSlices = inputs.Length > 1 ? inputs[1].Size : 1;
        Span<long> offsets = nSlices <= FewSlices ? stackalloc long[(int)nSlices] : new long[nSlices];
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

    public override Node?[] Gradient(Backward backward) => backward.Each(() => Ops.Make(
        new Scatter(axes, ScatterMode.Sum, isAmongZeros: true), backward.X.Shape, backward.X.Type,
        [Ops.ZerosLike(backward.X), .. backward.Inputs[1..], backward.Cotangent]));
}

/// <summary>
/// The first input with slices of the last one combined into it, one for each index that the others hold.
/// </summary>
internal sealed class Scatter(int[] axes, ScatterMode mode, bool isAmongZeros = false) : Primitive
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
        long step = updates.Size / offsets.Length;
        if (mode == ScatterMode.Sum && output.Type is MLX_BFLOAT16 or MLX_FLOAT16)
        {
            StridedLayout back = StridedLayout.Collapse(sliceShape, output.Strides, Node.RowStrides(sliceShape));
            ScatterKernels.SumWide(output.Type, slice, back, source, step, output.Data, offsets);
        }
        else
        {
            ScatterKernels.Run(mode, output.Type, slice, source, step, output.Data, offsets);
        }

        rows?.Release();
    }

    public override Node? AddedTo(Node whole, Operation operation) => isAmongZeros
        ? Ops.Make(new Scatter(axes, mode), whole.Shape, whole.Type, [whole, .. operation.Inputs[1..]])
        : null;

    public override Node?[] Gradient(Backward backward)
    {
        if (mode == ScatterMode.Prod)
            throw new NotSupportedException("[scatter] Products have no gradient.");
        Node cotangent = backward.Cotangent, updates = backward.Inputs[^1];
        Node[] indices = backward.Inputs[1..^1];
        var gradients = new Node?[backward.Inputs.Length];
        if (backward.IsWanted[0])
        {
            gradients[0] = mode switch
            {
                ScatterMode.Set => Ops.Make(
                    this, cotangent.Shape, cotangent.Type, [cotangent, .. indices, Ops.ZerosLike(updates)]),
                ScatterMode.Sum => cotangent,
                _ => SliceUpdate.Kept(cotangent, backward.Output, backward.X),
            };
        }

        if (backward.IsWanted[^1])
        {
            gradients[^1] = mode is ScatterMode.Set or ScatterMode.Sum
                ? Parts(cotangent)
                : SliceUpdate.Kept(Parts(cotangent), Parts(backward.Output), updates);
        }

        return gradients;

        Node Parts(Node whole) => Ops.Make(
            new Gather(axes, updates.Shape[^whole.Rank..]), updates.Shape, whole.Type, [whole, .. indices]);
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

    public override Node?[] Gradient(Backward backward) => backward.Each(() => Ops.Make(
        new ScatterAxis(axis, ScatterMode.Sum, isAmongZeros: true), backward.X.Shape, backward.X.Type,
        Ops.ZerosLike(backward.X), backward.Y, backward.Cotangent));

    private unsafe void Run<T>(Node input, Node output, long[] offsets)
        where T : unmanaged =>
        GatherKernels.AlongAxis<CombineSet<T>, T>(
            output.Shape, axis, offsets, (T*)input.Data, input.Strides, (T*)output.Data, output.Strides,
            isGather: true);
}

/// <summary>
/// The first input with the third's elements put, or added, at the indices of the second along one axis.
/// </summary>
internal sealed class ScatterAxis(int axis, ScatterMode mode, bool isAmongZeros = false) : Primitive
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

    public override Node? AddedTo(Node whole, Operation operation) => isAmongZeros
        ? Ops.Make(new ScatterAxis(axis, mode), whole.Shape, whole.Type, [whole, .. operation.Inputs[1..]])
        : null;

    public override Node?[] Gradient(Backward backward)
    {
        Node cotangent = backward.Cotangent, indices = backward.Y, updates = backward.Inputs[2];
        return backward.Each(
            () => mode == ScatterMode.Sum
                ? cotangent
                : Ops.Make(this, cotangent.Shape, cotangent.Type, cotangent, indices, Ops.ZerosLike(updates)),
            null,
            () => Ops.Make(new GatherAxis(axis), updates.Shape, updates.Type, cotangent, indices));
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

    public override Node?[] Gradient(Backward backward)
    {
        Node cotangent = backward.Cotangent, mask = backward.Y, values = backward.Inputs[2];
        Node zero = Ops.Scalar(0, cotangent.Type);
        return backward.Each(() => Ops.Where(mask, zero, cotangent), null, () =>
        {
            // The places of the values are the numbers of trues before.
            int size = checked((int)cotangent.Size), nValues = checked((int)values.Size);
            Node places = Ops.CumSum(
                Ops.AsType(Ops.Reshape(mask, [size]), MLX_INT32), 0, isReverse: false, isInclusive: false);
            Node taken = Ops.Reshape(Ops.Where(mask, cotangent, zero), [size, 1]);
            if (nValues == 0)
                return Ops.ZerosLike(values);
            Node sums = Ops.Scatter(
                Ops.Zeros([nValues], values.Type), [Ops.Minimum(places, Ops.Scalar(nValues - 1, MLX_INT32))], taken,
                [0],
                ScatterMode.Sum);
            return Ops.Reshape(sums, values.Shape);
        });
    }
}
