using ElmMlx.Cpu.Kernels;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>The strided copy against its naive twin, on many kinds of views.</summary>
public sealed unsafe class CopyKernelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Copy_of_any_view_equals_the_naive_one(int itemBytes)
    {
        var random = new Random(itemBytes);
        for (int round = 0; round < 300; round++)
        {
            int rank = random.Next(0, 5);
            int[] shape = [.. Enumerable.Range(0, rank).Select(_ => random.Next(1, round % 10 == 0 ? 70 : 9))];
            if (shape.Aggregate(1L, (size, n) => size * n) > 1 << 20)
                continue;
            Check(random, shape, itemBytes);
        }
    }

    [Theory]
    [InlineData(700, 900)]
    [InlineData(1, 700_000)]
    [InlineData(3, 300_000)]
    public void Large_transposed_copy_equals_the_naive_one(int rows, int columns)
    {
        var source = new float[rows * columns];
        for (int i = 0; i < source.Length; i++)
            source[i] = i;
        float[] fast = new float[source.Length], naive = new float[source.Length];
        fixed (float* from = source, to = fast, toNaive = naive)
        {
            CopyKernels.Run(from, [1, rows], to, [columns, 1], [rows, columns], sizeof(float));
            CopyKernels.RunNaive(from, [1, rows], toNaive, [columns, 1], [rows, columns]);
        }

        Assert.Equal(naive, fast);
    }

    private static void Check(Random random, int[] shape, int itemBytes)
    {
        (long[] strides, long offset, long size) = RandomView(random, shape, allowsZero: true);
        (long[] toStrides, long toOffset, long toSize) = RandomView(random, shape, allowsZero: false);
        byte[] source = new byte[size * itemBytes], fast = new byte[toSize * itemBytes];
        random.NextBytes(source);
        byte[] naive = [.. fast];
        fixed (byte* from = source, to = fast, toNaive = naive)
        {
            byte* first = from + offset * itemBytes;
            CopyKernels.Run(first, strides, to + toOffset * itemBytes, toStrides, shape, itemBytes);
            byte* naiveFirst = toNaive + toOffset * itemBytes;
            switch (itemBytes)
            {
                case 1:
                    CopyKernels.RunNaive(first, strides, naiveFirst, toStrides, shape);
                    break;
                case 2:
                    CopyKernels.RunNaive((ushort*)first, strides, (ushort*)naiveFirst, toStrides, shape);
                    break;
                case 4:
                    CopyKernels.RunNaive((uint*)first, strides, (uint*)naiveFirst, toStrides, shape);
                    break;
                default:
                    CopyKernels.RunNaive((ulong*)first, strides, (ulong*)naiveFirst, toStrides, shape);
                    break;
            }
        }

        Assert.True(
            naive.AsSpan().SequenceEqual(fast), $"[{string.Join(", ", shape)}], strides {string.Join(", ", strides)}");
    }

    // A permuted view with gaps, some axes backwards or repeated.
    private static (long[] Strides, long Offset, long Size) RandomView(Random random, int[] shape, bool allowsZero)
    {
        var strides = new long[shape.Length];
        int[] order = [.. Enumerable.Range(0, shape.Length)];
        if (random.Next(2) == 0)
            random.Shuffle(order);
        long step = 1, offset = 0;
        foreach (int axis in order.Reverse())
        {
            if (allowsZero && random.Next(6) == 0)
                continue;       // repeated
            int gap = random.Next(4) == 0 ? 2 : 1;
            strides[axis] = step * gap;
            step *= (long)shape[axis] * gap;
            if (random.Next(5) == 0)
            {
                offset += strides[axis] * (shape[axis] - 1);
                strides[axis] = -strides[axis];
            }
        }

        return (strides, offset, step);
    }
}
