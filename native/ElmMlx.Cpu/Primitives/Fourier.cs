using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>
/// Fourier transforms along axes. Real ones take float32 to the first half of the last axis's numbers, or back; the
/// inverse ones divide by the number of elements.
/// </summary>
internal sealed class Fourier(int[] axes, bool isInverse, bool isReal) : Primitive
{
    public override string Name => "FFT";

    /// <summary>The same along axes that stand one place further back.</summary>
    public Fourier Shifted => new([.. axes.Select(axis => axis + 1)], isInverse, isReal);

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node x = inputs[0], y = outputs[0];
        y.Allocate();
        if (y.Size == 0)
            return;
        if (!isReal || !isInverse)
        {
            FourierKernels.Run(x, y, axes[^1], isInverse);
            foreach (int axis in axes[..^1])
                FourierKernels.Run(y, y, axis, isInverse);
            return;
        }

        if (axes.Length == 1)
        {
            FourierKernels.Run(x, y, axes[^1], isInverse);
            return;
        }

        Node between = Node.New(x.Shape, x.Type, Buffer.Allocate(x.Size * x.Type.Size()));
        between.Retain();
        FourierKernels.Run(x, between, axes[0], isInverse);
        foreach (int axis in axes[1..^1])
            FourierKernels.Run(between, between, axis, isInverse);
        FourierKernels.Run(between, y, axes[^1], isInverse);
        between.Release();
    }

    // Linear: the conjugate transposed matrix is the transform in the other direction, times or over n.
    public override Node?[] Gradient(Backward backward)
    {
        Node x = backward.X, g = backward.Cotangent;
        int[] lengths = [.. axes.Select(axis => isInverse ? g.Shape[axis] : x.Shape[axis])];
        double n = lengths.Aggregate(1.0, (product, length) => product * length);
        double scale = isInverse ? 1 / n : n;
        if (!isReal)
            return [Ops.Multiply(Of(g, x.Shape, !isInverse), Ops.Scalar(scale, MLX_COMPLEX64))];
        if (isInverse)
            return [Ops.Multiply(Of(g, x.Shape, false), Twice(x, lengths[^1], scale, 2 * scale))];
        Node halved = Ops.Multiply(g, Twice(g, lengths[^1], 1, 0.5));
        return [Ops.Multiply(Of(halved, x.Shape, true), Ops.Scalar(scale, MLX_FLOAT32))];
    }

    private Node Of(Node g, int[] shape, bool inverse) => Ops.Make(
        new Fourier(axes, inverse, isReal), shape, isReal && inverse ? MLX_FLOAT32 : MLX_COMPLEX64, g);

    // Numbers of half a row that stand for two of the whole one, and those that stand for themselves only
    private Node Twice(Node half, int length, double once, double twice)
    {
        int[] shape = new int[half.Rank];
        Array.Fill(shape, 1);
        shape[axes[^1]] = half.Shape[axes[^1]];
        Node places = Ops.Arange(shape[axes[^1]]);
        Node isPair = Ops.LogicalAnd(
            Ops.Greater(places, Ops.Scalar(0, MLX_INT32)), Ops.Less(places, Ops.Scalar((length + 1) / 2, MLX_INT32)));
        return Ops.Reshape(
            Ops.Where(isPair, Ops.Scalar(twice, MLX_COMPLEX64), Ops.Scalar(once, MLX_COMPLEX64)), shape);
    }
}
