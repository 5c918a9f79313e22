using ElmMlx.Bindings;
using ElmMlx.Cpu;
using ElmMlx.Cpu.Kernels;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

[Collection(nameof(VectorWidth))]
public sealed unsafe class ThinProductTests
{
    private static readonly mlx_dtype[] Types = [MLX_FLOAT32, MLX_BFLOAT16, MLX_FLOAT16];

    private static readonly (int M, int N, int K)[] Shapes =
    [
        (50, 70, 8), (33, 600, 1), (37, 32, 16), (50, 8, 70), (35, 3, 33), (32, 16, 100), (8, 300, 70), (3, 33, 200),
        (16, 130, 32),
    ];

    public static TheoryData<int> Widths => [.. KernelMemory.Widths];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Product_of_operands_of_any_dtypes_is_the_sum_of_products(int width)
    {
        int before = VectorWidth.Max;
        try
        {
            VectorWidth.Max = width;
            foreach ((int m, int n, int k) in Shapes)
            {
                foreach (mlx_dtype a in Types)
                {
                    foreach (mlx_dtype b in Types)
                    {
                        foreach (mlx_dtype c in Types)
                            Check(m, n, k, a, b, c);
                    }
                }
            }
        }
        finally
        {
            VectorWidth.Max = before;
        }
    }

    [Fact]
    public void One_thread_and_many_give_the_same_bits()
    {
        int before = WorkerPool.ThreadCount;
        try
        {
            foreach ((int m, int n, int k) in Shapes)
            {
                float[][] results = [.. new[] { 1, 4 }.Select(threads =>
                {
                    WorkerPool.ThreadCount = threads;
                    using var memory = new KernelMemory(seed: m);
                    MatMulArguments product = Operands(memory, m, n, k, MLX_BFLOAT16, MLX_FLOAT32, MLX_FLOAT32);
                    Assert.True(ThinProduct.TryRun(product, MLX_BFLOAT16, MLX_FLOAT32));
                    return new ReadOnlySpan<float>(product.C, m * n).ToArray();
                })];
                Assert.Equal(results[0], results[1]);
            }
        }
        finally
        {
            WorkerPool.ThreadCount = before;
        }
    }

    [Theory]
    [InlineData(40, 8, 100, true)]
    [InlineData(40, 100, 8, true)]
    [InlineData(8, 100, 40, true)]
    [InlineData(1, 100, 40, false)]     // one row: the weights are what is read
    [InlineData(40, 100, 17, false)]
    [InlineData(8, 8, 100, false)]
    public void Thin_is_one_short_side_of_three(int m, int n, int k, bool isThin) =>
        Assert.Equal(isThin, ThinProduct.IsThin(m, n, k));

    // x in bfloat16 and A in float32: the same numbers as of a cast x, and gradients in each operand's dtype.
    [Fact]
    public void Product_of_two_dtypes_has_the_gradients_of_the_cast_one()
    {
        using var memory = new KernelMemory(seed: 5);
        Node x = Numbers(memory, [2, 40, 64], MLX_BFLOAT16), a = Numbers(memory, [64, 8], MLX_FLOAT32);
        Node direction = Numbers(memory, [2, 40, 8], MLX_BFLOAT16);
        float[][] mixed = Gradient(x), cast = Gradient(x, MLX_FLOAT32);
        for (int i = 0; i < mixed.Length; i++)
        {
            for (int j = 0; j < mixed[i].Length; j++)
                Assert.Equal(cast[i][j], mixed[i][j], 0.02f);
        }

        float[][] Gradient(Node x, mlx_dtype? type = null)
        {
            (NodeVector values, NodeVector gradients) = Gradients.Vjp(
                inputs => new NodeVector([Ops.AsType(Product(inputs, type), MLX_BFLOAT16)]), [x, a],
                Gradients.Given([direction]));
            Assert.Equal([MLX_BFLOAT16, MLX_FLOAT32], gradients.Nodes.Select(node => node.Type));
            float[][] numbers = [.. values.Nodes.Concat(gradients.Nodes).Select(Floats)];
            values.Clear();
            gradients.Clear();
            return numbers;
        }

        // In three matrices of which none is thin where the type is given: [2, 40, 64] and [2, 64, 8].
        static Node Product(Node[] inputs, mlx_dtype? type) => type is { } wide
            ? Ops.MatMul(Ops.AsType(inputs[0], wide), Ops.BroadcastTo(inputs[1], [2, 64, 8]))
            : Ops.MatMul(inputs[0], inputs[1]);
    }

    private static Node Numbers(KernelMemory memory, int[] shape, mlx_dtype type)
    {
        Node node = Node.New(shape, type);
        node.Allocate();
        node.Retain();
        System.Buffer.MemoryCopy(
            memory.Numbers(node.Size, type), node.Data, node.Size * type.Size(), node.Size * type.Size());
        return node;
    }

    private static float[] Floats(Node node)
    {
        Node wide = Ops.Contiguous(Ops.AsType(node, MLX_FLOAT32));
        wide.Retain();
        Evaluator.Evaluate(wide);
        float[] numbers = new ReadOnlySpan<float>(wide.Data, (int)wide.Size).ToArray();
        wide.Release();
        return numbers;
    }

    private static MatMulArguments Operands(
        KernelMemory memory, int m, int n, int k, mlx_dtype a, mlx_dtype b, mlx_dtype c) => new()
        {
            M = m,
            N = n,
            K = k,
            Type = c,
            A = memory.Numbers((long)m * (k + 3), a),
            ARow = k + 3,
            AColumn = 1,
            B = memory.Numbers((long)k * (n + 5), b),
            BRow = n + 5,
            BColumn = 1,
            C = memory.Zeros((long)m * n * 4),
            CRow = n,
        };

    private static void Check(int m, int n, int k, mlx_dtype aType, mlx_dtype bType, mlx_dtype cType)
    {
        using var memory = new KernelMemory(seed: 100 * m + n);
        MatMulArguments product = Operands(memory, m, n, k, aType, bType, cType);
        Assert.True(ThinProduct.TryRun(product, aType, bType));
        CheckAgainstSums(product, aType, bType, $"{m}x{k} by {k}x{n}");

        if (m > 16)
            return;
        new Span<byte>(product.C, m * n * 4).Clear();
        Assert.True(ThinProduct.TryRun(product.Transposed(), bType, aType));
        CheckAgainstSums(product, aType, bType, $"{m}x{k} by {k}x{n}, transposed");
    }

    private static void CheckAgainstSums(in MatMulArguments a, mlx_dtype aType, mlx_dtype bType, string what)
    {
        float tolerance = a.Type == MLX_FLOAT32 ? 1e-5f : a.Type == MLX_FLOAT16 ? 1e-3f : 8e-3f;
        for (int row = 0; row < a.M; row++)
        {
            for (int column = 0; column < a.N; column++)
            {
                double sum = 0, size = 0;
                for (int i = 0; i < a.K; i++)
                {
                    double term = (double)KernelMemory.Load(a.A, row * a.ARow + i, aType)
                        * KernelMemory.Load(a.B, i * a.BRow + column, bType);
                    sum += term;
                    size += Math.Abs(term);
                }

                float actual = KernelMemory.Load(a.C, row * a.CRow + column, a.Type);
                Assert.True(
                    Math.Abs(actual - sum) <= tolerance * (0.01 + size),
                    $"{what}: [{row}, {column}] {actual}, not {sum}");
            }
        }
    }
}
