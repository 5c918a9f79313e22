using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>
/// The same elements in row-major order under another shape: a view where strides allow it, else a copy.
/// </summary>
internal sealed class Reshape(string name) : Primitive
{
    public override string Name => name;

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node input = inputs[0], output = outputs[0];
        if (ViewStrides(input.Shape, input.Strides, output.Shape) is { } strides)
        {
            output.ShareWith(input, strides, input.Offset);
            return;
        }

        output.Allocate();
        CopyKernels.Run(input, output.Data);
    }

    public override Node?[] Gradient(Backward backward) =>
        backward.Each(() => Ops.Reshape(backward.Cotangent, backward.X.Shape));

    /// <summary>Strides that show a strided view under another shape of the same size; null when none do.</summary>
    internal static long[]? ViewStrides(int[] shape, long[] strides, int[] newShape)
    {
        if (shape.Contains(0))
            return Node.RowStrides(newShape);
        Span<int> axes = stackalloc int[shape.Length];
        int rank = 0;
        for (int axis = 0; axis < shape.Length; axis++)
        {
            if (shape[axis] != 1)
                axes[rank++] = axis;
        }

        Span<long> newStrides = stackalloc long[newShape.Length];
        newStrides.Fill(1);
        int first = 0, newFirst = 0;
        while (first < rank)
        {
            int end = first + 1, newEnd = newFirst + 1;
            long size = shape[axes[first]], newSize = newShape[newFirst];
            while (size != newSize)
            {
                if (newSize < size)
                    newSize *= newShape[newEnd++];
                else
                    size *= shape[axes[end++]];
            }

            for (int i = first; i < end - 1; i++)
            {
                if (strides[axes[i]] != shape[axes[i + 1]] * strides[axes[i + 1]])
                    return null;
            }

            newStrides[newEnd - 1] = strides[axes[end - 1]];
            for (int axis = newEnd - 1; axis > newFirst; axis--)
                newStrides[axis - 1] = newStrides[axis] * newShape[axis];
            (first, newFirst) = (end, newEnd);
        }

        return Interned.Of(newStrides);
    }
}

/// <summary>Axes in another order: output axis i is input axis <c>axes[i]</c>. A view.</summary>
internal sealed class Transpose(int[] axes) : Primitive
{
    public override string Name => "Transpose";

    public int[] Axes => axes;

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node input = inputs[0];
        Span<long> strides = stackalloc long[axes.Length];
        for (int axis = 0; axis < axes.Length; axis++)
            strides[axis] = input.Strides[axes[axis]];
        outputs[0].ShareWith(input, Interned.Of(strides), input.Offset);
    }

    public override Node?[] Gradient(Backward backward) =>
        backward.Each(() => Ops.Transpose(
            backward.Cotangent, [.. Enumerable.Range(0, axes.Length).Select(axis => Array.IndexOf(axes, axis))]));
}

/// <summary>The diagonal of two axes as a last axis. A view.</summary>
internal sealed class Diagonal(int offset, int axis1, int axis2) : Primitive
{
    public override string Name => "Diagonal";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node input = inputs[0], output = outputs[0];
        var strides = new List<long>();
        for (int axis = 0; axis < input.Rank; axis++)
        {
            if (axis != axis1 && axis != axis2)
                strides.Add(input.Strides[axis]);
        }

        strides.Add(input.Strides[axis1] + input.Strides[axis2]);
        long start = output.Size == 0
            ? 0
            : offset >= 0 ? offset * input.Strides[axis2] : -offset * input.Strides[axis1];
        output.ShareWith(input, [.. strides], input.Offset + start);
    }

    public override Node?[] Gradient(Backward backward) => backward.Each(() =>
    {
        Node cotangent = backward.Cotangent;
        if (cotangent.Size == 0)
            return Ops.ZerosLike(backward.X);
        // One index an element of the diagonal; the other axes are whole slices.
        int length = cotangent.Shape[^1], row = Math.Max(0, -offset), column = Math.Max(0, offset);
        Node updates = Ops.MoveAxis(cotangent, -1, 0);
        foreach (int axis in (ReadOnlySpan<int>)[Math.Min(axis1, axis2), Math.Max(axis1, axis2)])
            updates = Ops.ExpandDims(updates, axis + 1);
        return Ops.Scatter(
            Ops.ZerosLike(backward.X), [Ops.Arange(row, row + length, 1, MLX_INT32),
            Ops.Arange(column, column + length, 1, MLX_INT32)], updates, [axis1, axis2], ScatterMode.Sum);
    });
}

/// <summary>Row-contiguous elements, seen through given strides and offset. A view.</summary>
internal sealed class AsStrided(long[] strides, long offset) : Primitive
{
    public override string Name => "AsStrided";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs) =>
        outputs[0].ShareWith(inputs[0], strides, inputs[0].Offset + offset);

    public override Node?[] Gradient(Backward backward) => backward.Each(() =>
    {
        // An element may be seen through several places: the cotangents of all of them meet in it.
        Node x = backward.X, cotangent = backward.Cotangent;
        int size = checked((int)x.Size), nSeen = checked((int)cotangent.Size);
        Node places = Ops.AsStrided(Ops.Arange(size), cotangent.Shape, strides, offset);
        Node sums = Ops.Scatter(
            Ops.Reshape(Ops.ZerosLike(x), [size]), [Ops.Reshape(places, [nSeen])], Ops.Reshape(cotangent, [nSeen, 1]),
            [0],
            ScatterMode.Sum);
        return Ops.Reshape(sums, x.Shape);
    });
}

/// <summary>The same bytes as another dtype; the last axis grows or shrinks with the element's size.</summary>
internal sealed class View : Primitive
{
    public override string Name => "View";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node input = inputs[0], output = outputs[0];
        int inputBytes = input.Type.Size(), outputBytes = output.Type.Size();
        long offsetBytes = input.Offset * inputBytes;
        if (inputBytes == outputBytes)
        {
            output.ShareWith(input, input.Strides, input.Offset);
        }
        else if (input.IsRowContiguous && offsetBytes % outputBytes == 0)
        {
            output.ShareWith(input, Node.RowStrides(output.Shape), offsetBytes / outputBytes);
        }
        else
        {
            output.Allocate();
            CopyKernels.Run(input, output.Data);
        }
    }
}

/// <summary>Inputs one after another along an axis.</summary>
internal sealed class Concatenate(int axis) : Primitive
{
    public override string Name => "Concatenate";

    public int Axis => axis;

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0];
        output.Allocate();
        byte* place = (byte*)output.Data;
        int itemBytes = output.Type.Size();
        foreach (Node input in inputs)
        {
            CopyKernels.Run(input.Data, input.Strides, place, output.Strides, input.Shape, itemBytes);
            place += input.Shape[axis] * output.Strides[axis] * itemBytes;
        }
    }

    public override Node?[] Gradient(Backward backward)
    {
        var gradients = new Node?[backward.Inputs.Length];
        int[] starts = new int[backward.Output.Rank], steps = [.. starts.Select(_ => 1)];
        for (int i = 0; i < gradients.Length; i++)
        {
            int[] shape = backward.Inputs[i].Shape;
            if (backward.IsWanted[i])
                gradients[i] = Slice.Of(backward.Cotangent, [.. starts], steps, shape);
            starts[axis] += shape[axis];
        }

        return gradients;
    }
}

/// <summary>The first input in a larger box of the second input's value.</summary>
internal sealed class Pad(int[] lows) : Primitive
{
    public override string Name => "Pad";

    public int[] Lows => lows;

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node input = inputs[0], value = inputs[1], output = outputs[0];
        output.Allocate();
        int itemBytes = output.Type.Size();
        CopyKernels.Run(value.Data, new long[output.Rank], output.Data, output.Strides, output.Shape, itemBytes);
        long offset = 0;
        for (int axis = 0; axis < output.Rank; axis++)
            offset += lows[axis] * output.Strides[axis];
        CopyKernels.Run(
            input.Data, input.Strides, (byte*)output.Data + offset * itemBytes, output.Strides, input.Shape, itemBytes);
    }

    public override Node?[] Gradient(Backward backward)
    {
        Node cotangent = backward.Cotangent;
        int[] steps = [.. lows.Select(_ => 1)];
        return backward.Each(
            Inside, () => Ops.Reshape(Ops.Subtract(Total(cotangent), Total(Inside())), backward.Y.Shape));

        Node Inside() => Slice.Of(cotangent, lows, steps, backward.X.Shape);

        static Node Total(Node all) => Ops.Sum(all, Ops.AllAxes(all), keepDims: false);
    }
}

/// <summary>The first inputs again, once the others are computed too.</summary>
internal sealed class Depends : Primitive
{
    public override string Name => "Depends";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        for (int i = 0; i < outputs.Length; i++)
            outputs[i].ShareWith(inputs[i], inputs[i].Strides, inputs[i].Offset);
    }

    public override Node?[] Gradient(Backward backward) =>
        [.. backward.Cotangents, .. new Node?[backward.Inputs.Length - backward.Outputs.Length]];
}
