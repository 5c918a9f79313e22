using System.Numerics;
using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>The last axis, of m · 2ᵏ elements, times a Hadamard matrix, transposed or not.</summary>
internal sealed class Hadamard(int order, float scale, bool isTransposed) : Primitive
{
    public override string Name => "Hadamard";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].Allocate();
        if (outputs[0].Type == mlx_dtype.MLX_FLOAT64)
            Run<double>(inputs[0], outputs[0], mlx_dtype.MLX_FLOAT64);
        else
            Run<float>(inputs[0], outputs[0], mlx_dtype.MLX_FLOAT32);
    }

    // MLX multiplies with the same matrix again, which is its own transpose for powers of two only.
    public override Node?[] Gradient(Backward backward) =>
        [Ops.Make(new Hadamard(order, scale, !isTransposed), backward.X.Shape, backward.X.Type, backward.Cotangent)];

    private unsafe void Run<T>(Node x, Node y, mlx_dtype type)
        where T : unmanaged, INumber<T>
    {
        bool isWide = y.Type != type;
        Buffer? wide = isWide ? Buffer.Allocate(y.Size * sizeof(T)) : null;
        T* rows = isWide ? (T*)wide!.Pointer : (T*)y.Data;
        CastKernels.Run(x, rows, type);
        int length = y.Shape[^1];
        WorkerPool.Run(checked((int)(y.Size / length)), row => HadamardKernels.Run(
            new Span<T>(rows + (long)row * length, length), order, T.CreateTruncating(scale), isTransposed));
        if (wide is null)
            return;
        CastKernels.Run(rows, type, y.Data, y.Type, y.Size);
        wide.Release();
    }
}
