using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;
using KernelMask = ElmMlx.Cpu.Kernels.AttentionMask;

namespace ElmMlx.Tests;

[Collection(nameof(VectorWidth))]
public sealed unsafe class AttentionGradientKernelTests
{
    public static TheoryData<int, mlx_dtype> WidthsAndTypes() => MatMulKernelTests.WidthsAndTypes();

    [Theory]
    [MemberData(nameof(WidthsAndTypes))]
    public void Gradients_equal_the_naive_twin(int width, mlx_dtype type)
    {
        // Around blocks of 96 rows and keys; fewer keys than queries too.
        (int B, int H, int G, int Lq, int Lk, int D, int Dv)[] shapes =
        [
            (1, 1, 1, 1, 1, 8, 8), (2, 4, 2, 1, 200, 33, 17), (1, 2, 1, 3, 97, 5, 3), (2, 2, 2, 13, 13, 16, 16),
            (1, 4, 2, 50, 50, 20, 20), (1, 2, 1, 95, 96, 8, 9), (1, 1, 1, 193, 193, 8, 4), (1, 2, 1, 30, 150, 12, 50),
            (1, 2, 2, 110, 11, 8, 8),
        ];
        foreach (var (b, h, g, lq, lk, d, dv) in shapes)
        {
            for (int kind = 0; kind < AttentionCase.Kinds; kind++)
            {
                using var memory = new KernelMemory(seed: lq + lk + kind);
                AttentionArguments a = AttentionCase.Create(memory, (b, h, g, lq, lk, d, dv), kind, type);

                long nQ = (long)b * h * lq * d, nK = (long)b * g * lk * d, nV = (long)b * g * lk * dv;
                long nG = (long)b * h * lq * dv;
                int itemSize = type == MLX_FLOAT32 ? 4 : 2;
                // The cotangent is [B, Lq, H, Dv] in memory.
                var all = new AttentionGradientArguments
                {
                    Forward = a,
                    Cotangent = memory.Numbers(nG, type),
                    CotangentBatch = (long)h * lq * dv,
                    CotangentHead = dv,
                    CotangentRow = (long)h * dv,
                };
                byte* actual = memory.RunTwice(
                    width, (nQ + nK + nV) * itemSize, to => AttentionKernels.RunGradient(At(all, to, itemSize)));
                AttentionGradientArguments wide = all with
                {
                    Forward = a with
                    {
                        Type = MLX_FLOAT32,
                        Q = memory.Widened(a.Q, nQ, type),
                        K = memory.Widened(a.K, (long)b * g * (lk + 5) * d, type),
                        V = memory.Widened(a.V, (long)b * g * (lk + 5) * dv, type),
                        Mask = a.MaskKind == KernelMask.Additive ? memory.Widened(a.Mask, (long)lq * lk, type) : a.Mask,
                    },
                    Cotangent = memory.Widened(all.Cotangent, nG, type),
                };
                byte* expected = memory.Zeros((nQ + nK + nV) * 4);
                AttentionKernels.RunGradientNaive(At(wide, (nint)expected, 4));
                KernelMemory.AssertClose(
                    (float*)expected, actual, nQ + nK + nV, type, 2 * KernelMemory.Tolerance(type));
            }

            AttentionGradientArguments At(AttentionGradientArguments arguments, nint to, int itemSize)
            {
                arguments.OfQ = (byte*)to;
                arguments.OfK = (byte*)to + (long)b * h * lq * d * itemSize;
                arguments.OfV = (byte*)arguments.OfK + (long)b * g * lk * d * itemSize;
                return arguments;
            }
        }
    }
}
