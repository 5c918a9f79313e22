using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>The square roots of float32 covariances [.., n, n].</summary>
internal sealed class CovarianceRoot : Primitive
{
    public override string Name => "CovarianceRoot";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node x = inputs[0], y = outputs[0];
        y.Allocate();
        int n = x.Shape[^1], size = n * n;
        var all = new double[x.Size];
        fixed (double* to = all)
            CastKernels.Run(x, to, mlx_dtype.MLX_FLOAT64);
        for (long at = 0; at < x.Size; at += size)
            MatrixRoot.Run(all[(int)at..(int)(at + size)], n, new Span<float>((float*)y.Data + at, size));
    }
}
