using ElmMlx.Bindings;
using ElmMlx.Cpu;
using ElmMlx.Cpu.Kernels;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;
using static ElmMlx.Tests.ElementwiseKernelTests;

namespace ElmMlx.Tests;

[Collection(nameof(VectorWidth))]
public sealed unsafe class RandomTests
{
    // Known answers of Threefry-2x32 with 20 rounds, from the authors' Random123
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0x6b200159u, 0x99ba4efeu)]
    [InlineData(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0x1cb996fcu, 0xbb002be7u)]
    [InlineData(0x13198a2eu, 0x03707344u, 0x243f6a88u, 0x85a308d3u, 0xc4923a9cu, 0x483df7a0u)]
    public void Threefry_gives_the_known_answers(uint key0, uint key1, uint first, uint second, uint x, uint y) =>
        Assert.Equal((x, y), Threefry.Hash(key0, key1, first, second));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(9)]
    [InlineData(200_001)]
    public void Bits_are_the_same_on_one_thread_and_three(int nWords)
    {
        using var memory = new KernelMemory(seed: 1);
        byte* bits = memory.RunTwice(512, 4L * nWords, to => Threefry.Fill(7, 9, (byte*)to, 4L * nWords));
        int half = nWords / 2, second = nWords - half;
        for (int i = 0; i < half; i++)
        {
            (uint a, uint b) = Threefry.Hash(7, 9, (uint)i, (uint)(i + second));
            Assert.Equal((a, b), (((uint*)bits)[i], ((uint*)bits)[i + second]));
        }
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 3)]
    [InlineData(1, 7)]
    public void A_word_that_is_cut_off_writes_nothing_behind_the_array(int width, int count)
    {
        using var memory = new KernelMemory(seed: 2);
        byte* bytes = memory.Zeros(64);
        Threefry.Fill(1, 2, bytes, width * count);
        Assert.All(new ReadOnlySpan<byte>(bytes + width * count, 8).ToArray(), b => Assert.Equal(0, b));
        Assert.Contains(new ReadOnlySpan<byte>(bytes, width * count).ToArray(), b => b != 0);
    }

    [Fact]
    public void Seed_starts_the_sequence_again_and_draws_differ()
    {
        double[] first = Draw(42), second = Draw(null);
        Assert.NotEqual(first, second);
        Assert.Equal(first, Draw(42));
        Assert.Equal(second, Draw(null));
        Assert.NotEqual(first, Draw(43));

        static double[] Draw(ulong? seed)
        {
            if (seed is { } value)
                RandomState.Seed(value);
            Node low = Ops.Scalar(0, MLX_FLOAT32), high = Ops.Scalar(1, MLX_FLOAT32);
            return Evaluated(Ops.RandomUniform(low, high, [16], MLX_FLOAT32, key: null));
        }
    }

    [Theory]
    [InlineData(MLX_FLOAT32)]
    [InlineData(MLX_FLOAT16)]
    [InlineData(MLX_BFLOAT16)]
    public void Uniform_stays_below_its_upper_bound(mlx_dtype type)
    {
        double[] x = Evaluated(Ops.RandomUniform(
            Ops.Scalar(0, type), Ops.Scalar(1, type), [100_000], type, Ops.RandomKey(3)));
        Assert.InRange(x.Min(), 0, 0.01);
        Assert.InRange(x.Max(), 0.99, Math.BitDecrement(1.0));
        Assert.InRange(x.Average(), 0.495, 0.505);
    }

    [Fact]
    public void Normal_has_the_mean_and_deviation_asked_for()
    {
        double[] x = Evaluated(Ops.RandomNormal(
            [200_000], MLX_FLOAT32, Ops.Scalar(3, MLX_FLOAT32), Ops.Scalar(2, MLX_FLOAT32), Ops.RandomKey(4)));
        double mean = x.Average();
        Assert.InRange(mean, 2.98, 3.02);
        Assert.InRange(Math.Sqrt(x.Average(v => (v - mean) * (v - mean))), 1.98, 2.02);
    }

    [Fact]
    public void Categorical_draws_as_often_as_the_logits_say()
    {
        Node logits = Held(Ops.Log(Numbers([4], MLX_FLOAT32)));
        Evaluator.Evaluate(logits);
        double[] wanted = [0.1, 0.2, 0.3, 0.4];
        for (int i = 0; i < 4; i++)
            ((float*)logits.Data)[i] = MathF.Log((float)wanted[i]);
        double[] draws = Evaluated(Ops.RandomCategorical(logits, -1, 50_000, Ops.RandomKey(5)));
        for (int i = 0; i < 4; i++)
            Assert.InRange(draws.Count(draw => draw == i) / 50_000.0, wanted[i] - 0.01, wanted[i] + 0.01);
    }

    [Fact]
    public void Multivariate_normal_has_the_mean_and_covariance_asked_for()
    {
        float[] wanted = [4, 1.5f, -0.5f, 1.5f, 1, 0, -0.5f, 0, 2];
        Node covariance = Numbers([3, 3], MLX_FLOAT32), mean = Numbers([3], MLX_FLOAT32);
        wanted.CopyTo(new Span<float>(covariance.Data, 9));
        ((float*)mean.Data)[0] = 5;
        const int count = 100_000;
        double[] x = Evaluated(Ops.RandomMultivariateNormal(mean, covariance, [count], MLX_FLOAT32, Ops.RandomKey(8)));
        double[] center = Doubles(mean);
        for (int a = 0; a < 3; a++)
        {
            Assert.InRange(Enumerable.Range(0, count).Average(i => x[3 * i + a]), center[a] - 0.03, center[a] + 0.03);
            for (int b = 0; b < 3; b++)
            {
                double product = Enumerable.Range(0, count)
                    .Average(i => (x[3 * i + a] - center[a]) * (x[3 * i + b] - center[b]));
                Assert.InRange(product, wanted[3 * a + b] - 0.06, wanted[3 * a + b] + 0.06);
            }
        }
    }

    [Fact]
    public void Permutation_holds_every_index_once()
    {
        double[] order = Evaluated(Ops.RandomPermutation(1000, Ops.RandomKey(6)));
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => (double)i), order.Order());
        Assert.NotEqual(order.Order(), order);
    }

    [Fact]
    public void Wrong_keys_and_dtypes_are_refused()
    {
        Assert.Contains("key type", Refusal(() => Ops.RandomBits([2], 4, Ops.Scalar(1, MLX_INT32))));
        Assert.Contains("key shape", Refusal(() => Ops.RandomBits([2], 4, Ops.Scalar(1, MLX_UINT32))));
        Assert.Contains("width", Refusal(() => Ops.RandomBits([2], 3, Ops.RandomKey(1))));
        Assert.Contains("integer", Refusal(() => Ops.RandomInt(
            Ops.Scalar(0, MLX_INT32), Ops.Scalar(5, MLX_INT32), [2], MLX_FLOAT32, null)));
        Assert.Contains("floating", Refusal(() => Ops.RandomNormal([2], MLX_INT32, null, null, null)));

        static string Refusal(Func<Node> draw) => Assert.Throws<ArgumentException>(draw).Message;
    }

    private static double[] Evaluated(Node node)
    {
        Node held = Held(node);
        Evaluator.Evaluate(held);
        return Doubles(held);
    }
}
