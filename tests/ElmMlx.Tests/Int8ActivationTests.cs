using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>Products with x in bytes: what is asked for is computed exactly, and is near the exact product.</summary>
[Collection(nameof(VectorWidth))]
public sealed unsafe class Int8ActivationTests
{
    public static TheoryData<int, int> WidthsAndGroups()
    {
        var data = new TheoryData<int, int>();
        foreach (int width in KernelMemory.Widths)
        {
            foreach (int group in (ReadOnlySpan<int>)[32, 64, 128])
                data.Add(width, group);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(WidthsAndGroups))]
    public void Product_is_that_of_x_rounded_to_bytes(int width, int group)
    {
        foreach ((int m, int rows, int columns) in ((int, int, int)[])[(1, 5, 128), (1, 67, 640), (3, 130, 256),
            (4, 13, 1152)])
        {
            using var memory = new KernelMemory(seed: group + m);
            QuantizedMatMulArguments a = Arguments(memory, m, rows, columns, group);
            long size = (long)m * rows;
            byte* actual = memory.RunTwice(width, size * 4, to => Run(a with { Y = (void*)to }));
            var expected = (float*)memory.Zeros(size * 4);
            for (int i = 0; i < size; i++)
                expected[i] = (float)Expected(a, i / rows, i % rows);
            KernelMemory.AssertClose(expected, actual, size, MLX_FLOAT32, 2e-6 * Math.Sqrt(columns));
        }
    }

    [Fact]
    public void Error_is_within_half_a_step_a_number_and_not_nothing()
    {
        using var memory = new KernelMemory(seed: 3);
        QuantizedMatMulArguments a = Arguments(memory, m: 1, rows: 64, columns: 1280, group: 64);
        float* exact = (float*)memory.Zeros(64 * 4), rounded = (float*)memory.Zeros(64 * 4);
        QuantizedKernels.RunNaive(a with { Y = exact });
        Run(a with { Y = rounded });
        double largest = 0;
        for (int row = 0; row < 64; row++)
        {
            double error = Math.Abs(exact[row] - rounded[row]), bound = 1e-4;
            for (int column = 0; column < 1280; column++)
            {
                double step = LargestOfGroup(a, 0, column / 64) / 127;
                bound += Math.Abs(
                    (double)a.W.Scale(row * 20 + column / 64)) * Math.Abs(Code(a, row, column) - 8) * step / 2;
            }

            Assert.InRange(error, 0, bound);
            largest = Math.Max(largest, error);
        }

        Assert.True(largest > 1e-4, "the product is that of float32: bytes were not used");
    }

    [Fact]
    public void Variable_is_0_or_1()
    {
        Assert.False(Int8Activations.Parse(null));
        Assert.False(Int8Activations.Parse("0"));
        Assert.True(Int8Activations.Parse("1"));
        Assert.Equal(
            "ELMMLX_INT8_ACTIVATIONS is 'yes'; it must be 0 or 1, or unset.",
            Assert.Throws<InvalidOperationException>(() => Int8Activations.Parse("yes")).Message);
    }

    private static void Run(QuantizedMatMulArguments a)
    {
        try
        {
            Int8Activations.IsEnabled = true;
            QuantizedKernels.Run(a);
        }
        finally
        {
            Int8Activations.IsEnabled = false;
        }
    }

    // Σ scale_w·scale_x·Σ (q − 8)·byte + Σ (bias + 8·scale_w)·Σ x in float64.
    private static double Expected(QuantizedMatMulArguments a, int m, int row)
    {
        double result = 0;
        for (int group = 0; group < a.W.GroupsPerRow; group++)
        {
            long place = (long)row * a.W.GroupsPerRow + group;
            float scale = LargestOfGroup(a, m, group) / 127, inverse = 1 / scale;
            double products = 0, sum = 0;
            for (int column = group * a.W.GroupSize; column < (group + 1) * a.W.GroupSize; column++)
            {
                float x = ((float*)a.X)[m * a.XRow + column];
                products += (Code(a, row, column) - 8) * (double)MathF.Round(x * inverse);
                sum += x;
            }

            result += (double)a.W.Scale(place) * scale * products + (a.W.Bias(place) + 8.0 * a.W.Scale(place)) * sum;
        }

        return result;
    }

    private static int Code(in QuantizedMatMulArguments a, int row, int column) =>
        a.W.Code((byte*)a.W.Words + row * a.W.RowBytes, column);

    private static float LargestOfGroup(in QuantizedMatMulArguments a, int m, int group)
    {
        float largest = 0;
        for (int i = 0; i < a.W.GroupSize; i++)
            largest = Math.Max(largest, Math.Abs(((float*)a.X)[m * a.XRow + group * a.W.GroupSize + i]));
        return largest;
    }

    private static QuantizedMatMulArguments Arguments(KernelMemory memory, int m, int rows, int columns, int group)
    {
        mlx_dtype scales = (m % 3) switch { 0 => MLX_FLOAT32, 1 => MLX_BFLOAT16, _ => MLX_FLOAT16 };
        long groups = (long)rows * (columns / group);
        return new QuantizedMatMulArguments
        {
            W = new QuantizedMatrix
            {
                Mode = QuantizationMode.Affine,
                Bits = 4,
                GroupSize = group,
                Rows = rows,
                Columns = columns,
                Words = (uint*)memory.Bytes((long)rows * columns / 2),
                Scales = memory.Numbers(groups, scales),
                Biases = memory.Numbers(groups, scales),
                ScaleType = scales,
            },
            IsTransposed = true,
            M = m,
            Type = MLX_FLOAT32,
            X = memory.Numbers((long)m * columns, MLX_FLOAT32),
            XRow = columns,
            XColumn = 1,
        };
    }
}
