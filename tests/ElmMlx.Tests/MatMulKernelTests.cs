using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

[Collection(nameof(VectorWidth))]
public sealed unsafe class MatMulKernelTests
{
    private static readonly (int M, int N, int K)[] Shapes =
    [
        (1, 1, 1), (1, 7, 5), (3, 7, 5), (5, 100, 33), (13, 97, 130), (14, 100, 401), (33, 17, 65), (16, 70, 800),
        (9, 48, 0), (17, 20, 0), (50, 64, 70), (7, 9, 40), (60, 90, 35), (540, 15, 20), (14, 800, 10), (1, 600, 300),
        (100, 1, 50),
        (70, 13, 90), (2, 3, 1),
        (520, 50, 20), (61, 140, 530), (50, 530, 70),
    ];

    public static TheoryData<int, mlx_dtype> WidthsAndTypes()
    {
        var data = new TheoryData<int, mlx_dtype>();
        foreach (int width in KernelMemory.Widths)
        {
            foreach (mlx_dtype type in (ReadOnlySpan<mlx_dtype>)[MLX_FLOAT32, MLX_BFLOAT16, MLX_FLOAT16])
                data.Add(width, type);
        }

        return data;
    }

    // Layouts of an operand: rows in one piece, columns in one piece (a transposed view), neither.
    [Theory]
    [MemberData(nameof(WidthsAndTypes))]
    public void Product_of_any_shape_and_layout_equals_the_naive_twin(int width, mlx_dtype type)
    {
        foreach ((int m, int n, int k) in Shapes)
        {
            for (int layout = 0; layout < 9; layout++)
            {
                using var memory = new KernelMemory(seed: 1000 * m + n);
                var a = new MatMulArguments { M = m, N = n, K = k, Type = type, CRow = n };
                a.A = memory.Numbers(2L * m * k, type);
                a.B = memory.Numbers(2L * k * n, type);
                (a.ARow, a.AColumn) = (layout % 3) switch { 0 => (k, 1), 1 => (1, m), _ => (2L * k, 2L) };
                (a.BRow, a.BColumn) = (layout / 3) switch { 0 => (n, 1), 1 => (1, k), _ => (2L * n, 2L) };
                if (layout % 2 == 1)
                {
                    (a.Alpha, a.Beta, a.AddendColumn) = (0.5f, 2f, 1);
                    a.Addend = memory.Numbers(n, type);     // AddendRow is 0: one row for all
                }

                Check(memory, a, width, $"{m}x{k} by {k}x{n}, layout {layout}");
            }
        }
    }

    // One thread, few, each with panels of its own, and many, which share theirs; rows of two chunks.
    [Fact]
    public void Product_has_the_same_bits_for_any_number_of_threads()
    {
        const int M = 530, N = 600, K = 300;
        using var memory = new KernelMemory(seed: 3);
        var a = new MatMulArguments
        {
            M = M,
            N = N,
            K = K,
            Type = MLX_FLOAT32,
            ARow = K,
            AColumn = 1,
            BRow = 1,
            BColumn = K,
            CRow = N,
        };
        a.A = memory.Numbers(M * K, MLX_FLOAT32);
        a.B = memory.Numbers(N * K, MLX_FLOAT32);
        int threads = WorkerPool.ThreadCount;
        try
        {
            byte* first = null;
            foreach (int count in (ReadOnlySpan<int>)[1, 2, 4, 5, 9])
            {
                WorkerPool.ThreadCount = count;
                byte* c = memory.Zeros(M * N * sizeof(float));
                MatMulKernels.Run(a with { C = c });
                first = first is null ? c : first;
                Assert.True(
                    new ReadOnlySpan<byte>(first, M * N * 4).SequenceEqual(new ReadOnlySpan<byte>(c, M * N * 4)),
                    $"{count} threads");
            }
        }
        finally
        {
            WorkerPool.ThreadCount = threads;
        }
    }

    [Fact]
    public void Product_in_float64_and_complex64_is_exact()
    {
        double* x = stackalloc double[] { 1, 2, 3, 4, 5, 6 }, y = stackalloc double[] { 1, -1, 2, 0, 1, 3 };
        double* z = stackalloc double[4];
        MatMulKernels.Run(new MatMulArguments
        {
            M = 2,
            N = 2,
            K = 3,
            Type = MLX_FLOAT64,
            A = x,
            ARow = 3,
            AColumn = 1,
            B = y,
            BRow = 2,
            BColumn = 1,
            C = z,
            CRow = 2,
        });
        Assert.Equal([8, 8, 20, 14], new ReadOnlySpan<double>(z, 4).ToArray());

        // (1 + 2i)(3 − i) = 5 + 5i
        float* p = stackalloc float[] { 1, 2 }, q = stackalloc float[] { 3, -1 }, r = stackalloc float[2];
        MatMulKernels.Run(new MatMulArguments
        {
            M = 1,
            N = 1,
            K = 1,
            Type = MLX_COMPLEX64,
            A = p,
            ARow = 1,
            AColumn = 1,
            B = q,
            BRow = 1,
            BColumn = 1,
            C = r,
            CRow = 1,
        });
        Assert.Equal([5, 5], new ReadOnlySpan<float>(r, 2).ToArray());
    }

    [Fact]
    public void Pool_runs_every_task_once_for_any_number_of_threads()
    {
        int before = WorkerPool.ThreadCount;
        try
        {
            foreach (int threads in (ReadOnlySpan<int>)[1, 2, 5])
            {
                WorkerPool.ThreadCount = threads;
                for (int nTasks = 0; nTasks < 60; nTasks++)
                {
                    var counts = new int[nTasks];
                    WorkerPool.Run(nTasks, task => Interlocked.Increment(ref counts[task]));
                    Assert.All(counts, count => Assert.Equal(1, count));
                }
            }
        }
        finally
        {
            WorkerPool.ThreadCount = before;
        }
    }

    [Fact]
    public void Pool_jobs_that_follow_at_once_do_not_mix()
    {
        int before = WorkerPool.ThreadCount;
        try
        {
            WorkerPool.ThreadCount = 4;
            var counts = new int[8];
            for (int job = 0; job < 20_000; job++)
            {
                int nTasks = 2 + job % 7;
                WorkerPool.Run(nTasks, task => Interlocked.Increment(ref counts[task]));
                for (int task = 0; task < counts.Length; task++)
                {
                    Assert.Equal(task < nTasks ? 1 : 0, counts[task]);
                    counts[task] = 0;
                }
            }
        }
        finally
        {
            WorkerPool.ThreadCount = before;
        }
    }

    [Fact]
    public void Pool_nested_and_concurrent_jobs_complete()
    {
        int sum = 0;
        Parallel.For(0, 8, _ => WorkerPool.Run(16, _ => WorkerPool.Run(4, _ => Interlocked.Increment(ref sum))));
        Assert.Equal(8 * 16 * 4, sum);
    }

    [Fact]
    public void Pool_task_that_throws_lets_the_others_run_and_reaches_the_caller()
    {
        int before = WorkerPool.ThreadCount, ran = 0;
        try
        {
            WorkerPool.ThreadCount = 2;
            var thrown = Assert.Throws<InvalidOperationException>(() => WorkerPool.Run(20, task =>
            {
                Interlocked.Increment(ref ran);
                if (task == 3)
                    throw new InvalidOperationException("task 3");
            }));
            Assert.Equal("task 3", thrown.Message);
            Assert.Equal(20, ran);
        }
        finally
        {
            WorkerPool.ThreadCount = before;
        }
    }

    private static void Check(KernelMemory memory, MatMulArguments a, int width, string what)
    {
        long size = (long)a.M * a.N, nBytes = size * (a.Type == MLX_FLOAT32 ? 4 : 2);
        byte* actual = memory.RunTwice(width, nBytes, to => MatMulKernels.Run(a with { C = (void*)to }));
        byte* expected = memory.Zeros(nBytes);
        MatMulKernels.RunNaive(a with { C = expected });
        float* numbers = memory.Widened(expected, size, a.Type);
        try
        {
            KernelMemory.AssertClose(numbers, actual, size, a.Type, KernelMemory.Tolerance(a.Type));
        }
        catch (Xunit.Sdk.TrueException e)
        {
            Assert.Fail($"{what}: {e.Message}");
        }
    }
}
