using System.Buffers.Binary;
using System.Text.Json;
using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Tests;

/// <summary>
/// Exact values of erf. MLX's CPU device computes float32 by a formula that is off by 1.5e-7, at small arguments more
/// than the case's tolerance; like the golden data's own <c>exact</c>, the truth passes too.
/// </summary>
internal static class GoldenErfExact
{
    /// <summary>The case's result in float64; null where MLX's own answer is the only judge.</summary>
    public static GoldenTensor[]? Of(GoldenCase golden)
    {
        if (golden.Operation != "erf" || golden.IsRefused || golden.Outputs[0].Type != mlx_dtype.MLX_FLOAT32)
            return null;
        GoldenTensor x = golden.Tensors[golden.Inputs[0].GetString()!];
        int[] axes = [.. Enumerable.Range(0, x.Shape.Length)];
        if (golden.Record.TryGetProperty("views", out JsonElement views))
        {
            if (views.GetArrayLength() != 1 || !views[0].TryGetProperty("transpose", out JsonElement order))
                return null;
            axes = [.. order.EnumerateArray().Select(axis => axis.GetInt32())];
        }

        double[] values = x.Doubles();
        int[] shape = [.. axes.Select(axis => x.Shape[axis])];
        var bytes = new byte[values.Length * sizeof(double)];
        for (int i = 0; i < values.Length; i++)
        {
            // The element of x that stands at i of the transposed view
            int rest = i, at = 0;
            for (int k = axes.Length - 1; k >= 0; k--)
            {
                int stride = x.Shape[(axes[k] + 1)..].Aggregate(1, static (size, length) => size * length);
                at += rest % shape[k] * stride;
                rest /= shape[k];
            }

            BinaryPrimitives.WriteDoubleLittleEndian(
                bytes.AsSpan(i * sizeof(double)), DoubleFunctions.Erf(values[at]));
        }

        return [new GoldenTensor(mlx_dtype.MLX_FLOAT64, shape, bytes)];
    }
}
