using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>
/// A function of matrices, those of the last two axes, each for itself. Computed in float64 whatever the dtype; complex
/// numbers are pairs of real and imaginary parts. All inputs have the same axes in front of the last two.
/// </summary>
internal abstract class MatrixPrimitive : Primitive
{
    public override string Name => GetType().Name;

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node[] sources = inputs.ToArray(), results = outputs.ToArray();
        foreach (Node result in results)
            result.Allocate();
        int count = MatMul.Count(inputs[0].Shape.AsSpan(..^2));
        if (count == 0)
            return;
        double[][] wide = [.. sources.Select(Widened)];
        WorkerPool.Run(count, i =>
        {
            double[][] parts = new double[sources.Length][], made = new double[results.Length][];
            for (int k = 0; k < parts.Length; k++)
            {
                int size = wide[k].Length / count;
                parts[k] = wide[k].AsSpan(i * size, size).ToArray();
            }

            for (int k = 0; k < made.Length; k++)
                made[k] = new double[results[k].Size / count * Parts(results[k].Type)];
            Compute(sources[0], parts, made);
            for (int k = 0; k < made.Length; k++)
                Store(made[k], results[k], i);
        });
    }

    /// <summary>One matrix of each input to one of each output, row-major.</summary>
    /// <param name="x">The first input, for its shape and dtype.</param>
    /// <param name="inputs">May be overwritten.</param>
    /// <param name="outputs">Zeros to be filled.</param>
    protected abstract void Compute(Node x, double[][] inputs, double[][] outputs);

    private static int Parts(mlx_dtype type) => type == MLX_COMPLEX64 ? 2 : 1;

    private static unsafe double[] Widened(Node node)
    {
        var wide = new double[node.Size * Parts(node.Type)];
        using var rows = new ContiguousRows(node, node.Rank);
        mlx_dtype type = node.Type == MLX_COMPLEX64 ? MLX_FLOAT32 : node.Type;
        fixed (double* to = wide)
            CastKernels.Run(rows.Node.Data, type, to, MLX_FLOAT64, wide.Length);
        return wide;
    }

    private static unsafe void Store(double[] values, Node node, int matrix)
    {
        mlx_dtype type = node.Type == MLX_COMPLEX64 ? MLX_FLOAT32 : node.Type;
        byte* to = (byte*)node.Data + (long)matrix * values.Length * type.Size();
        fixed (double* from = values)
            CastKernels.Run(from, MLX_FLOAT64, to, type, values.Length);
    }
}
