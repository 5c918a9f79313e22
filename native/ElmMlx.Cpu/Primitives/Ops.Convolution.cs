using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>
    /// A convolution over 1 to 3 spatial axes: x [N, spatial…, C], w [O, spatial…, C / groups]. One number of a list
    /// serves every axis.
    /// </summary>
    public static Node Convolution(Node x, Node w, ConvolutionGeometry geometry)
    {
        int rank = x.Rank - 2;
        if (rank is < 1 or > 3)
            throw new ArgumentException(
                $"[conv] Inputs have 1 to 3 spatial axes, [N, …, C]; this one is {x}.");
        if (geometry.Groups != 1 && rank == 3)
            throw new ArgumentException(
                $"[conv] {geometry.Groups} groups: there are groups in one and two dimensions only.");
        CheckChannels(x, w, geometry.Groups);
        mlx_dtype type = DTypes.Promote(x.Type, w.Type);
        if (!x.Type.IsFloating() || !type.IsFloating())
            throw new ArgumentException($"[conv] Only real floating-point arrays are convolved, not {x} with {w}.");
        geometry = geometry with
        {
            Stride = EachAxis(geometry.Stride, rank, 1),
            PaddingLow = EachAxis(geometry.PaddingLow, rank, 0),
            PaddingHigh = EachAxis(geometry.PaddingHigh, rank, 0),
            KernelDilation = EachAxis(geometry.KernelDilation, rank, 1),
            InputDilation = EachAxis(geometry.InputDilation, rank, 1),
        };
        (x, w) = (AsType(x, type), AsType(w, type));
        CheckGeometry(geometry, rank);
        (x, geometry) = WithoutNegativePadding(x, geometry);
        int[] shape = geometry.OutputShape(x.Shape, w.Shape);
        if (shape.AsSpan(1, rank).IndexOfAnyInRange(int.MinValue, 0) >= 0 || w.Shape.AsSpan(1, rank).Contains(0))
            throw new ArgumentException(
                $"[conv] The padded input is smaller than the kernel: input {x}, kernel {w}, padding "
                + $"{Text(geometry.PaddingLow)} and {Text(geometry.PaddingHigh)}.");
        return Make(new Convolution(geometry), shape, type, x, w);
    }

    /// <summary>The convolution whose gradient a convolution with this kernel is.</summary>
    public static Node ConvolutionTransposed(
        Node x, Node w, int[] stride, int[] padding, int[] dilation, int[] outputPadding, int groups)
    {
        int rank = stride.Length;
        if (x.Rank != rank + 2 || w.Rank != rank + 2)
            throw new ArgumentException(
                $"[conv_transpose] Input [N, …, C] and kernel [O, …, C] have {rank} spatial axes, not {x} and {w}.");
        int[] low = new int[rank], high = new int[rank];
        for (int axis = 0; axis < rank; axis++)
        {
            low[axis] = dilation[axis] * (w.Shape[axis + 1] - 1) - padding[axis];
            high[axis] = low[axis] + outputPadding[axis];
        }

        return Convolution(
            x, w, new([.. stride.Select(_ => 1)], low, high, dilation, stride, groups, IsFlipped: true));
    }

    private static void CheckChannels(Node x, Node w, int groups)
    {
        if (groups < 1)
            throw new ArgumentException($"[conv] There is no convolution with {groups} groups.");
        if (w.Rank != x.Rank)
            throw new ArgumentException($"[conv] The kernel {w} has not as many axes as the input {x}.");
        if (x.Shape[^1] % groups != 0 || w.Shape[0] % groups != 0)
            throw new ArgumentException(
                $"[conv] {groups} groups do not divide the channels of the input {x} and the outputs of the kernel "
                + $"{w}.");
        if (x.Shape[^1] != groups * w.Shape[^1])
            throw new ArgumentException(
                $"[conv] The input {x} has {x.Shape[^1]} channels; {groups} group(s) of the kernel {w} see "
                + $"{groups * w.Shape[^1]}.");
    }

    private static void CheckGeometry(ConvolutionGeometry geometry, int rank)
    {
        (string Name, int[] Values, int Least)[] lists =
        [
            ("stride", geometry.Stride, 1), ("low padding", geometry.PaddingLow, int.MinValue),
            ("high padding", geometry.PaddingHigh, int.MinValue), ("kernel dilation", geometry.KernelDilation, 1),
            ("input dilation", geometry.InputDilation, 1),
        ];
        foreach ((string name, int[] values, int least) in lists)
        {
            if (values.Length != rank)
                throw new ArgumentException($"[conv] The {name} {Text(values)} is not for {rank} spatial axes.");
            if (values.Any(value => value < least))
                throw new ArgumentException($"[conv] The {name} {Text(values)} must be positive.");
        }
    }

    // What negative padding leaves out is left out of the input, before zeros widen it.
    private static (Node X, ConvolutionGeometry Geometry) WithoutNegativePadding(Node x, ConvolutionGeometry geometry)
    {
        if (!geometry.PaddingLow.Concat(geometry.PaddingHigh).Any(padding => padding < 0))
            return (x, geometry);
        int[] starts = new int[x.Rank], stops = [.. x.Shape], steps = new int[x.Rank];
        Array.Fill(steps, 1);
        for (int axis = 0; axis < geometry.Rank; axis++)
        {
            starts[axis + 1] = Math.Max(0, -geometry.PaddingLow[axis]);
            stops[axis + 1] = Math.Max(0, stops[axis + 1] + Math.Min(0, geometry.PaddingHigh[axis]));
        }

        return (Slice(x, starts, stops, steps), geometry with
        {
            PaddingLow = [.. geometry.PaddingLow.Select(padding => Math.Max(0, padding))],
            PaddingHigh = [.. geometry.PaddingHigh.Select(padding => Math.Max(0, padding))],
        });
    }

    private static int[] EachAxis(int[] values, int rank, int standard)
    {
        if (values.Length > 1)
            return [.. values];
        var all = new int[rank];
        Array.Fill(all, values.Length == 1 ? values[0] : standard);
        return all;
    }
}
