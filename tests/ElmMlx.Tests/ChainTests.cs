using ElmMlx.Bindings;
using ElmMlx.Cpu;
using ElmMlx.Cpu.Kernels;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

[Collection(nameof(VectorWidth))]
public sealed unsafe class ChainTests
{
    private const int Rows = 41, Columns = 233;     // 9553 elements: no multiple of any block

    private static readonly mlx_dtype[] Types = [MLX_FLOAT32, MLX_BFLOAT16, MLX_FLOAT16];

    public static TheoryData<int, int> WidthsAndThreads()
    {
        var data = new TheoryData<int, int>();
        foreach (int width in KernelMemory.Widths)
        {
            data.Add(width, 1);
            data.Add(width, 3);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(WidthsAndThreads))]
    public void Random_graphs_have_the_same_bits_chained_and_one_operation_at_a_time(int width, int threads)
    {
        int widthBefore = VectorWidth.Max, threadsBefore = WorkerPool.ThreadCount;
        try
        {
            (VectorWidth.Max, WorkerPool.ThreadCount) = (width, threads);
            for (int seed = 0; seed < 40; seed++)
            {
                byte[][] single = Evaluated(seed, isChained: false), chained = Evaluated(seed, isChained: true);
                Assert.Equal(single.Length, chained.Length);
                for (int i = 0; i < single.Length; i++)
                    Assert.True(single[i].AsSpan().SequenceEqual(chained[i]), $"seed {seed}, result {i}");
            }
        }
        finally
        {
            (VectorWidth.Max, WorkerPool.ThreadCount) = (widthBefore, threadsBefore);
        }
    }

    [Fact]
    public void What_a_chain_waits_for_may_need_a_part_of_it()
    {
        Node x = Numbers(new Random(1), MLX_FLOAT32);
        Node twice = Ops.Add(x, x);
        Node y = Held(Ops.Add(twice, Ops.BroadcastTo(Ops.Sum(twice, [0, 1], keepDims: true), x.Shape)));
        Evaluator.Evaluate(y);
        Node sum = Held(Ops.Sum(Ops.Add(x, x), [0, 1], keepDims: true));
        Evaluator.Evaluate(sum);
        for (int i = 0; i < Rows * Columns; i++)
            Assert.Equal(2 * ((float*)x.Data)[i] + *(float*)sum.Data, ((float*)y.Data)[i]);
        Release(x, y, sum);
    }

    [Fact]
    public void A_chain_whose_leaf_fails_waits_as_before()
    {
        Node x = Numbers(new Random(2), MLX_FLOAT32), zeros = Ops.BroadcastTo(Ops.Scalar(0L, MLX_INT32), x.Shape);
        Node bad = Ops.AsType(Ops.Remainder(zeros, zeros), MLX_FLOAT32), good = Held(Ops.Negative(Ops.Negative(x)));
        Node y = Held(Ops.Add(Ops.Square(good), Ops.Negative(bad)));
        for (int attempt = 0; attempt < 2; attempt++)
        {
            var problem = Assert.Throws<ArgumentException>(() => Evaluator.Evaluate(y));
            Assert.Contains("divided by 0", problem.Message, StringComparison.Ordinal);
            Assert.False(y.IsEvaluated);
        }

        Evaluator.Evaluate(good);
        Assert.Equal(((float*)x.Data)[7], ((float*)good.Data)[7]);
        Release(x, y, good);
    }

    [Fact]
    public void Only_what_somebody_holds_takes_memory()
    {
        Node x = Numbers(new Random(3), MLX_FLOAT32), a = Held(Ops.Exp(x)), b = Ops.Tanh(a);
        Node y = Held(Ops.Add(Ops.Multiply(b, b), Ops.Subtract(Ops.Sigmoid(b), Ops.Square(a))));
        long before = Allocator.ActiveBytes;
        Allocator.ResetPeak();
        Evaluator.Evaluate(y);
        Assert.True(a.IsEvaluated);
        Assert.Equal(2 * Allocator.BlockBytes(x.Size * sizeof(float)), Allocator.PeakBytes - before);   // a and y
        Release(x, a, y);
    }

    private static byte[][] Evaluated(int seed, bool isChained)
    {
        Chain.IsOn = isChained;
        try
        {
            var random = new Random(seed);
            List<Node> nodes = [.. Enumerable.Range(0, 4).Select(_ => Input(random))];
            List<Node> held = [.. nodes];
            for (int i = 0; i < 30; i++)
            {
                nodes.Add(Grown(random, nodes[random.Next(nodes.Count)], nodes[random.Next(nodes.Count)]));
                if (random.Next(3) == 0 || i > 26)
                    held.Add(Held(nodes[^1]));
            }

            foreach (Node node in nodes)
                node.Retain();
            foreach (Node node in nodes)        // what nobody holds dies now, or lives on as an input
                node.Release();
            byte[][] bytes = [.. held.AsEnumerable().Reverse().Select(BytesOf).Reverse()];
            Release([.. held]);
            return bytes;
        }
        finally
        {
            Chain.IsOn = true;
        }
    }

    private static Node Grown(Random random, Node a, Node b) => random.Next(14) switch
    {
        0 => Ops.Add(a, b),
        1 => Ops.Subtract(a, b),
        2 => Ops.Multiply(a, b),
        3 => Ops.Divide(a, b),
        4 => Ops.Maximum(a, b),
        5 => Ops.Sigmoid(a),
        6 => Ops.Multiply(a, a),
        7 => Ops.Square(a),
        8 => Ops.Sqrt(a),               // NaN of negative ones
        9 => Ops.Tanh(a),
        10 => Ops.Exp(a),               // infinite now and then
        11 => Ops.Negative(Ops.Abs(a)),
        12 => Ops.AsType(a, Types[random.Next(3)]),
        _ => Ops.Subtract(Ops.BroadcastTo(Ops.Scalar(1, a.Type), a.Shape), a),
    };

    // In one piece, transposed, every second column, or one row for all; held.
    private static Node Input(Random random)
    {
        mlx_dtype type = Types[random.Next(3)];
        return Held(random.Next(4) switch
        {
            0 => Numbers(random, type),
            1 => Ops.Transpose(Numbers(random, type, Columns, Rows)),
            2 => Ops.Slice(Numbers(random, type, Rows, 2 * Columns), [0, 0], [Rows, 2 * Columns], [1, 2]),
            _ => Ops.BroadcastTo(Numbers(random, type, 1, Columns), [Rows, Columns]),
        });
    }

    private static Node Numbers(Random random, mlx_dtype type, int rows = Rows, int columns = Columns)
    {
        Node node = Node.New([rows, columns], type);
        node.Allocate();
        for (long i = 0; i < node.Size; i++)
            KernelMemory.Store(node.Data, i, (float)(random.NextDouble() * 8 - 4), type);
        return Held(node);
    }

    private static byte[] BytesOf(Node node)
    {
        Node rows = Held(Ops.Contiguous(node));
        Evaluator.Evaluate(rows);
        byte[] bytes = new ReadOnlySpan<byte>(rows.Data, (int)rows.Size * rows.Type.Size()).ToArray();
        rows.Release();
        return bytes;
    }

    private static Node Held(Node node)
    {
        node.Retain();
        return node;
    }

    private static void Release(params ReadOnlySpan<Node> nodes)
    {
        foreach (Node node in nodes)
            node.Release();
    }
}
