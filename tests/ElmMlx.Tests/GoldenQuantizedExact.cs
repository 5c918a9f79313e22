using System.Buffers.Binary;
using System.Text.Json;
using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>
/// Exact products with quantised matrices. MLX's CPU device sums them in float16 or bfloat16, up to twenty tolerances
/// beside the truth; like the golden data's own <c>exact</c>, the truth and anything between it and MLX's answer pass.
/// </summary>
internal static class GoldenQuantizedExact
{
    private static readonly double[] Float4 = [0, 0.5, 1, 1.5, 2, 3, 4, 6];

    /// <summary>The case's result in float64; null where MLX's own answer is the only judge.</summary>
    public static GoldenTensor[]? Of(GoldenCase golden)
    {
        if (golden.Operation is not ("quantized_matmul" or "gather_qmm") || golden.IsRefused
            || golden.Record.TryGetProperty("views", out _))
            return null;
        GoldenTensor want = golden.Outputs[0];
        if (want.Type is not (mlx_dtype.MLX_FLOAT16 or mlx_dtype.MLX_BFLOAT16))
            return null;
        GoldenTensor?[] inputs = golden.Optional(golden.Record.GetProperty("inputs"));
        double[] product = Multiply(golden.Arguments, inputs, want.Shape);
        var bytes = new byte[product.Length * sizeof(double)];
        for (int i = 0; i < product.Length; i++)
            BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(i * sizeof(double)), product[i]);
        return [new GoldenTensor(mlx_dtype.MLX_FLOAT64, want.Shape, bytes)];
    }

    private static double[] Multiply(JsonElement arguments, GoldenTensor?[] inputs, int[] shape)
    {
        GoldenTensor x = inputs[0]!, w = inputs[1]!;
        bool isTransposed = arguments.GetProperty("transpose").GetBoolean();
        double[] values = x.Doubles(), weights = Dequantize(arguments, w, inputs[2]!, inputs[3], out int columns);
        int m = shape[^2], n = shape[^1], k = x.Shape[^1], rows = w.Shape[^2];
        int nMatrices = weights.Length / rows / columns,
            nProducts = shape[..^2].Aggregate(1, (size, length) => size * length);
        double[]? left = inputs.Length > 4 ? inputs[4]?.Doubles() : null,
            right = inputs.Length > 4 ? inputs[5]?.Doubles() : null;
        var product = new double[nProducts * m * n];
        for (int i = 0; i < nProducts; i++)
        {
            int xAt = (left is null ? i : (int)left[i]) * m * k;
            int wAt = (right is null ? i % nMatrices : (int)right[i]) * rows * columns;
            for (int row = 0; row < m; row++)
            {
                for (int column = 0; column < n; column++)
                {
                    double sum = 0;
                    for (int inner = 0; inner < k; inner++)
                    {
                        int at = isTransposed ? column * columns + inner : inner * columns + column;
                        sum += values[xAt + row * k + inner] * weights[wAt + at];
                    }

                    product[(i * m + row) * n + column] = sum;
                }
            }
        }

        return product;
    }

    /// <summary>All numbers of w; a row has <paramref name="columns"/> of them.</summary>
    private static double[] Dequantize(
        JsonElement arguments, GoldenTensor w, GoldenTensor scales, GoldenTensor? biases, out int columns)
    {
        string mode = arguments.GetProperty("mode").GetString()!;
        int group = arguments.GetProperty("group_size").GetInt32(), bits = arguments.GetProperty("bits").GetInt32();
        columns = w.Shape[^1] * 32 / bits;
        var numbers = new double[w.Bytes.Length * 8 / bits];
        double[] scale = scales.Doubles();
        double[]? bias = biases?.Doubles();
        for (int i = 0; i < numbers.Length; i++)
        {
            int code = 0;
            for (int bit = 0; bit < bits; bit++)
            {
                long at = (long)i * bits + bit;
                code |= ((w.Bytes.Span[(int)(at / 8)] >> (int)(at % 8)) & 1) << bit;
            }

            double step = scale[i / group];
            numbers[i] = mode switch
            {
                "affine" => step * code + bias![i / group],
                "mxfp4" => Two(code) * Math.ScaleB(1, (int)step - 127),
                "mxfp8" => Three(code) * Math.ScaleB(1, (int)step - 127),
                _ => Two(code) * Three((int)step),
            };
        }

        return numbers;
    }

    /// <summary>e2m1.</summary>
    private static double Two(int code) => code < 8 ? Float4[code] : -Float4[code - 8];

    /// <summary>e4m3.</summary>
    private static double Three(int code)
    {
        int exponent = (code >> 3) & 15, fraction = code & 7;
        double magnitude = exponent == 0 ? Math.ScaleB(fraction, -9) : Math.ScaleB(8 + fraction, exponent - 10);
        return code < 128 ? magnitude : -magnitude;
    }
}
