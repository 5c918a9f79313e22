using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;
using KernelMask = ElmMlx.Cpu.Kernels.AttentionMask;

namespace ElmMlx.Tests;

[Collection(nameof(VectorWidth))]
public sealed unsafe class FastKernelTests
{
    public static TheoryData<int, mlx_dtype> WidthsAndTypes() => MatMulKernelTests.WidthsAndTypes();

    [Theory]
    [MemberData(nameof(WidthsAndTypes))]
    public void Norms_equal_the_naive_twin(int width, mlx_dtype type)
    {
        foreach ((int rows, int size) in (ReadOnlySpan<(int, int)>)[(1, 1), (3, 7), (5, 64), (40, 1283), (2, 33)])
        {
            foreach (bool centres in (ReadOnlySpan<bool>)[false, true])
            {
                for (int parts = 0; parts < 3; parts++)     // no weight; a weight; a weight and a bias
                {
                    using var memory = new KernelMemory(seed: rows + size);
                    // A view: every second row of a larger array.
                    var a = new NormArguments
                    {
                        Rows = new RowOffsets([rows, size], [2L * size, 1]),
                        Width = size,
                        Type = type,
                        X = memory.Numbers(2L * rows * size, type),
                        Epsilon = 1e-5f,
                        Weight = parts > 0 ? memory.Numbers(size, type) : null,
                        Bias = parts > 1 ? memory.Numbers(size, type) : null,
                    };
                    long count = (long)rows * size, nBytes = count * (type == MLX_FLOAT32 ? 4 : 2);
                    byte* actual = memory.RunTwice(width, nBytes, to =>
                    {
                        NormArguments mine = a with { Y = (void*)to };
                        if (centres)
                            NormKernels.LayerNorm(mine);
                        else
                            NormKernels.RmsNorm(mine);
                    });
                    NormArguments wide = a with
                    {
                        Type = MLX_FLOAT32,
                        X = memory.Widened(a.X, 2 * count, type),
                        Weight = a.Weight is null ? null : memory.Widened(a.Weight, size, type),
                        Bias = a.Bias is null ? null : memory.Widened(a.Bias, size, type),
                        Y = memory.Zeros(count * 4),
                    };
                    NormKernels.RunNaive(wide, centres);
                    KernelMemory.AssertClose((float*)wide.Y, actual, count, type, 2 * KernelMemory.Tolerance(type));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(WidthsAndTypes))]
    public void Rope_equals_the_naive_twin(int width, mlx_dtype type)
    {
        foreach ((int b, int h, int l, int d, int dims) in
            (ReadOnlySpan<(int, int, int, int, int)>)[(1, 1, 1, 2, 2), (2, 3, 21, 64, 64), (1, 2, 5, 80, 40),
                (2, 1, 3, 10, 6)])
        {
            for (int form = 0; form < 4; form++)
            {
                using var memory = new KernelMemory(seed: l + d);
                int* offsets = (int*)memory.Zeros(8);
                (offsets[0], offsets[1]) = (3, 1000);
                // x is [B, L, H, D] in memory, as after a reshape, seen as [B, H, L, D].
                var a = new RopeArguments
                {
                    B = b,
                    H = h,
                    L = l,
                    D = d,
                    Dims = dims,
                    Type = type,
                    Scale = 0.5f,
                    Offsets = offsets,
                    IsTraditional = form % 2 == 1,
                    IsInverse = form / 2 == 1,
                    HasOffsetPerBatch = form > 0,
                    X = memory.Numbers((long)b * h * l * d, type),
                    BatchStride = (long)h * l * d,
                    HeadStride = d,
                    RowStride = (long)h * d,
                    InverseFrequencies = (float*)memory.Numbers(dims / 2, MLX_FLOAT32),
                };
                long count = (long)b * h * l * d, nBytes = count * (type == MLX_FLOAT32 ? 4 : 2);
                byte* actual = memory.RunTwice(width, nBytes, to => RopeKernels.Run(a with { Y = (void*)to }));
                RopeArguments wide = a with
                {
                    Type = MLX_FLOAT32,
                    X = memory.Widened(a.X, count, type),
                    Y = memory.Zeros(count * 4),
                };
                RopeKernels.RunNaive(wide);
                KernelMemory.AssertClose((float*)wide.Y, actual, count, type, KernelMemory.Tolerance(type));
            }
        }
    }

    [Theory]
    [MemberData(nameof(WidthsAndTypes))]
    public void Attention_equals_the_naive_twin(int width, mlx_dtype type)
    {
        (int B, int H, int G, int Lq, int Lk, int D, int Dv)[] shapes =
        [
            (1, 1, 1, 1, 1, 8, 8), (2, 4, 2, 1, 700, 64, 64), (1, 3, 1, 2, 300, 33, 17), (2, 2, 2, 13, 13, 16, 16),
            (1, 6, 2, 70, 70, 80, 80), (1, 2, 1, 130, 250, 32, 50), (1, 2, 2, 20, 11, 8, 8),
            (1, 2, 1, 70, 600, 33, 40),
            // Few rows a group: four and six, whose values fill no whole block of columns.
            (1, 8, 2, 1, 300, 64, 40), (1, 6, 1, 1, 70, 33, 81),
        ];
        foreach (var (b, h, g, lq, lk, d, dv) in shapes)
        {
            for (int kind = 0; kind < AttentionCase.Kinds; kind++)
            {
                using var memory = new KernelMemory(seed: lq + lk + kind);
                AttentionArguments a = AttentionCase.Create(memory, (b, h, g, lq, lk, d, dv), kind, type);

                long count = (long)b * h * lq * dv, nBytes = count * (type == MLX_FLOAT32 ? 4 : 2);
                byte* actual = memory.RunTwice(width, nBytes, to => AttentionKernels.Run(a with { Y = (void*)to }));
                AttentionArguments wide = a with
                {
                    Type = MLX_FLOAT32,
                    Q = memory.Widened(a.Q, (long)b * h * lq * d, type),
                    K = memory.Widened(a.K, (long)b * g * (lk + 5) * d, type),
                    V = memory.Widened(a.V, (long)b * g * (lk + 5) * dv, type),
                    Mask = a.MaskKind == KernelMask.Additive ? memory.Widened(a.Mask, (long)lq * lk, type) : a.Mask,
                    Y = memory.Zeros(count * 4),
                };
                AttentionKernels.RunNaive(wide);
                KernelMemory.AssertClose((float*)wide.Y, actual, count, type, KernelMemory.Tolerance(type));
            }
        }
    }
}
