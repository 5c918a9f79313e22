using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

[Collection(nameof(VectorWidth))]
public sealed unsafe class QuantizedKernelTests
{
    // Rows of x, rows of w, numbers in a row of w: all must be divisible by the group.
    private static readonly (int M, int Rows, int Columns)[] Shapes =
    [
        (1, 5, 128), (1, 67, 640), (48, 9, 256), (2, 128, 128), (3, 69, 384), (4, 13, 128), (7, 30, 256),
        (17, 128, 128), (70, 33, 128),
        (55, 83, 640), (50, 300, 256),
    ];

    public static TheoryData<int, string, int, int> Forms()
    {
        var data = new TheoryData<int, string, int, int>();
        foreach (int width in KernelMemory.Widths)
        {
            foreach (int bits in (ReadOnlySpan<int>)[2, 3, 4, 5, 6, 8])
            {
                foreach (int group in (ReadOnlySpan<int>)[32, 64, 128])
                    data.Add(width, nameof(QuantizationMode.Affine), bits, group);
            }

            data.Add(width, nameof(QuantizationMode.Mxfp4), 4, 32);
            data.Add(width, nameof(QuantizationMode.Mxfp8), 8, 32);
            data.Add(width, nameof(QuantizationMode.Nvfp4), 4, 16);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Product_equals_the_naive_twin(int width, string mode, int bits, int group)
    {
        foreach ((int m, int rows, int columns) in Shapes)
        {
            mlx_dtype scales = (m % 3) switch { 0 => MLX_FLOAT32, 1 => MLX_BFLOAT16, _ => MLX_FLOAT16 };
            foreach (bool isTransposed in (ReadOnlySpan<bool>)[true, false])
            {
                if (isTransposed || rows % 32 == 0 || m > 48)
                {
                    using var memory = new KernelMemory(seed: bits + group + m);
                    var a = new QuantizedMatMulArguments
                    {
                        W = Matrix(memory, Enum.Parse<QuantizationMode>(mode), bits, group, rows, columns, scales),
                        IsTransposed = isTransposed,
                        M = m,
                        Type = MLX_FLOAT32,
                        XColumn = 1,
                    };
                    a.XRow = a.K;
                    a.X = memory.Numbers((long)m * a.K, MLX_FLOAT32);
                    long size = (long)m * a.N;
                    byte* actual =
                        memory.RunTwice(width, size * 4, to => QuantizedKernels.Run(a with { Y = (void*)to }));
                    var expected = (float*)memory.Zeros(size * 4);
                    QuantizedKernels.RunNaive(a with { Y = expected });
                    float largest = 1;
                    for (long i = 0; i < size; i++)
                        largest = MathF.Max(largest, MathF.Abs(expected[i]));
                    KernelMemory.AssertClose(expected, actual, size, MLX_FLOAT32, 2e-6 * largest * Math.Sqrt(a.K));
                }
            }
        }
    }

    // Rows that fill no vector of fields: what is read behind them belongs to the next row.
    [Theory]
    [InlineData(1), InlineData(7), InlineData(50)]
    public void An_infinite_scale_stays_in_its_row(int m)
    {
        const int Rows = 40, Columns = 96, Group = 32, Infinite = 17;
        foreach (int width in KernelMemory.Widths)
        {
            foreach (int bits in (ReadOnlySpan<int>)[2, 3, 4, 5, 6, 8])
            {
                using var memory = new KernelMemory(seed: bits);
                QuantizedMatrix w = Matrix(memory, QuantizationMode.Affine, bits, Group, Rows, Columns, MLX_FLOAT32);
                new Span<float>(
                    (float*)w.Scales + Infinite * w.GroupsPerRow, w.GroupsPerRow).Fill(float.PositiveInfinity);
                var a = new QuantizedMatMulArguments
                {
                    W = w,
                    IsTransposed = true,
                    M = m,
                    Type = MLX_FLOAT32,
                    X = memory.Numbers(m * Columns, MLX_FLOAT32),
                    XRow = Columns,
                    XColumn = 1,
                };
                var y = (float*)memory.RunTwice(
                    width, m * Rows * 4, to => QuantizedKernels.Run(a with { Y = (void*)to }));
                for (int i = 0; i < m * Rows; i++)
                    Assert.Equal(i % Rows != Infinite, float.IsFinite(y[i]));
            }
        }
    }

    [Theory]
    [InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6), InlineData(8)]
    public void Affine_quantisation_is_off_by_at_most_half_a_step(int bits)
    {
        using var memory = new KernelMemory(seed: bits);
        const int Rows = 7, Columns = 192, Group = 64;
        var w = (float*)memory.Numbers(Rows * Columns, MLX_FLOAT32);
        QuantizedMatrix form = Matrix(memory, QuantizationMode.Affine, bits, Group, Rows, Columns, MLX_FLOAT32);
        QuantizeKernels.Quantize(w, Rows * Columns, MLX_FLOAT32, form);
        var back = (float*)memory.Zeros(Rows * Columns * 4);
        QuantizeKernels.Dequantize(form, MLX_FLOAT32, back);
        for (int i = 0; i < Rows * Columns; i++)
        {
            // The scale is stretched so that 0 falls on a step, which costs at most another half step at the far end.
            float step = MathF.Abs(((float*)form.Scales)[i / Group]);
            Assert.InRange(MathF.Abs(back[i] - w[i]), 0, step * 1.01f);
        }
    }

    [Fact]
    public void Float8_every_code_survives_the_way_there_and_back()
    {
        for (int code = 0; code < 256; code++)
        {
            if ((code & 0x7F) == 0x7F)
                continue;       // NaN in e4m3: MLX never writes it
            Assert.Equal(code, Float8.ToE4M3(Float8.FromE4M3((byte)code)));
        }

        Assert.Equal(448, Float8.FromE4M3(Float8.ToE4M3(float.PositiveInfinity)));
        Assert.Equal(448, MathF.Abs(Float8.FromE4M3(Float8.ToE4M3(float.NaN))));
        Assert.Equal(-448, Float8.FromE4M3(Float8.ToE4M3(-1e9f)));
    }

    private static QuantizedMatrix Matrix(
        KernelMemory memory, QuantizationMode mode, int bits, int group, int rows, int columns, mlx_dtype scales)
    {
        long nGroups = (long)rows * columns / group;
        bool isAffine = mode == QuantizationMode.Affine;
        byte* bytes = memory.Bytes(nGroups, limit: 20);
        for (long i = 0; i < nGroups; i++)
            bytes[i] += (byte)(mode == QuantizationMode.Nvfp4 ? 40 : 117);      // scales around 1
        return new QuantizedMatrix
        {
            Mode = mode,
            Bits = bits,
            GroupSize = group,
            Rows = rows,
            Columns = columns,
            // Codes below 127 leave out e4m3's largest, which would drown the rest.
            Words = (uint*)(mode == QuantizationMode.Mxfp8
                ? memory.Bytes((long)rows * columns, limit: 100)
                : memory.Bytes((long)rows * columns * bits / 8)),
            Scales = isAffine ? memory.Numbers(nGroups, scales) : bytes,
            Biases = isAffine ? memory.Numbers(nGroups, scales) : null,
            ScaleType = scales,
        };
    }
}
