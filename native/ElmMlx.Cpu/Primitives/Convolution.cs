using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>x [N, spatial…, C] with kernels w [O, spatial…, C / groups]: [N, spatial…, O].</summary>
internal sealed class Convolution(ConvolutionGeometry geometry) : Primitive
{
    public override string Name => "Convolution";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        using var x = new ContiguousRows(inputs[0], inputs[0].Rank);
        using var w = new ContiguousRows(inputs[1], inputs[1].Rank);
        outputs[0].Allocate();
        ConvolutionArguments arguments = Arguments(geometry, x.Node.Shape, w.Node.Shape, outputs[0].Shape);
        arguments.Type = outputs[0].Type;
        arguments.X = x.Node.Data;
        arguments.W = w.Node.Data;
        arguments.Y = outputs[0].Data;
        ConvolutionKernels.Run(arguments);
    }

    public override Node?[] Gradient(Backward backward)
    {
        Node x = backward.X, w = backward.Y, g = backward.Cotangent;
        return backward.Each(
            () => OfInput(geometry, x.Shape, w, g),
            () => ConvolutionWeightGradient.Of(geometry, x, w.Shape, g));
    }

    /// <summary>The gradient of an x of shape <paramref name="x"/>.</summary>
    internal static Node OfInput(ConvolutionGeometry geometry, int[] x, Node w, Node cotangent) => Ops.Make(
        new Convolution(geometry.OfInputGradient(x, w.Shape, cotangent.Shape)), x, cotangent.Type, cotangent,
        Exchanged(w, geometry.Groups));

    /// <summary>Shapes and geometry as a kernel takes them: three spatial axes.</summary>
    internal static unsafe ConvolutionArguments Arguments(ConvolutionGeometry geometry, int[] x, int[] w, int[] y)
    {
        var a = new ConvolutionArguments
        {
            Batch = x[0],
            Channels = x[^1],
            Outputs = w[0],
            Groups = geometry.Groups,
            IsFlipped = geometry.IsFlipped,
        };
        for (int axis = 0; axis < ConvolutionArguments.Axes; axis++)
        {
            int from = axis - (ConvolutionArguments.Axes - geometry.Rank);
            a.Input[axis] = from < 0 ? 1 : x[from + 1];
            a.Kernel[axis] = from < 0 ? 1 : w[from + 1];
            a.Output[axis] = from < 0 ? 1 : y[from + 1];
            a.Stride[axis] = from < 0 ? 1 : geometry.Stride[from];
            a.PaddingLow[axis] = from < 0 ? 0 : geometry.PaddingLow[from];
            a.KernelDilation[axis] = from < 0 ? 1 : geometry.KernelDilation[from];
            a.InputDilation[axis] = from < 0 ? 1 : geometry.InputDilation[from];
        }

        return a;
    }

    /// <summary>[O, spatial…, C / groups] as [C, spatial…, O / groups].</summary>
    private static Node Exchanged(Node w, int groups)
    {
        Node byGroup = Ops.Reshape(w, [groups, w.Shape[0] / groups, .. w.Shape[1..]]);
        return Ops.Flatten(Ops.SwapAxes(byGroup, 1, -1), 0, 1);
    }
}

/// <summary>The gradient of a convolution's kernels, from x and the cotangents; float32 or float64.</summary>
internal sealed class ConvolutionWeightGradient(ConvolutionGeometry geometry) : Primitive
{
    public override string Name => "ConvolutionWeightGradient";

    /// <summary>
    /// The gradient of kernels of shape <paramref name="w"/>; half precision is summed up in float32.
    /// </summary>
    public static Node Of(ConvolutionGeometry geometry, Node x, int[] w, Node cotangent)
    {
        mlx_dtype wide = x.Type == mlx_dtype.MLX_FLOAT64 ? x.Type : mlx_dtype.MLX_FLOAT32;
        Node gradient = Ops.Make(
            new ConvolutionWeightGradient(geometry), w, wide, Ops.AsType(x, wide), Ops.AsType(cotangent, wide));
        return Ops.AsType(gradient, x.Type);
    }

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        using var x = new ContiguousRows(inputs[0], inputs[0].Rank);
        using var cotangent = new ContiguousRows(inputs[1], inputs[1].Rank);
        outputs[0].Allocate();
        ConvolutionArguments arguments = Convolution.Arguments(
            geometry, x.Node.Shape, outputs[0].Shape, cotangent.Node.Shape);
        arguments.Type = outputs[0].Type;
        arguments.X = x.Node.Data;
        arguments.W = outputs[0].Data;
        arguments.Y = cotangent.Node.Data;
        ConvolutionKernels.WeightGradient(arguments);
    }

    // Linear in x and in the cotangents, with the new cotangent h in the kernels' place
    public override Node?[] Gradient(Backward backward)
    {
        Node x = backward.X, g = backward.Y, h = backward.Cotangent;
        return backward.Each(
            () => Convolution.OfInput(geometry, x.Shape, h, g),
            () => Ops.Make(new Convolution(geometry), g.Shape, g.Type, x, h));
    }
}
