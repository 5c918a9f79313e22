using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// Gradients of the fast operations against those of the plain operations that they stand for, first and second.
/// </summary>
[Collection(GradientCollection.Name)]
public class FastGradientTests
{
    private const float Scale = 0.4f;

    public static TheoryData<string, bool> Masks => new()
    {
        { "none", false }, { "causal", false }, { "boolean", false }, { "additive", false }, { "sinks", false },
        { "none", true }, { "causal", true }, { "boolean", true },
    };

    [Theory]
    [MemberData(nameof(Masks))]
    public void Attention_has_the_gradients_of_its_formula(string kind, bool moreQueries)
    {
        using ArrayScope scope = new();
        (int lq, int lk) = moreQueries ? (7, 4) : (5, 9);
        MlxArray q = Numbers(
            1, 2, 4, lq, 3), k = Numbers(2, 2, 2, lk, 3), v = Numbers(3, 2, 2, lk, 6), w = Numbers(4, 2, 4, lq, 6);
        MlxArray hidden = MlxArray.Tri(lq, lk, lk - lq, DType.Bool);
        MlxArray random = Numbers(5, lq, lk) > 0f;
        MlxArray added = Numbers(6, lq, lk), sinks = Numbers(7, 4);
        AttentionMask mask = kind switch
        {
            "causal" => AttentionMask.Causal,
            "boolean" => AttentionMask.Of(random),
            "additive" => AttentionMask.Of(added),
            _ => default,
        };
        MlxArray Fused(MlxArray[] a) => Fast.ScaledDotProductAttention(
            a[0], a[1], a[2], Scale, mask, kind == "sinks" ? sinks : null);
        MlxArray Plain(MlxArray[] a)
        {
            MlxArray queries = a[0].Reshape(2, 2, 2, lq, 3), keys = a[1].Reshape(2, 2, 1, lk, 3);
            MlxArray scores = queries.MatMul(keys.SwapAxes(-1, -2)) * Scale;
            MlxArray lowest = MlxArray.Full([], float.MinValue);
            scores = kind switch
            {
                "causal" => MlxArray.Where(hidden, scores, lowest),
                "boolean" => MlxArray.Where(random, scores, lowest),
                "additive" => scores + added,
                _ => scores,
            };
            if (kind == "sinks")
            {
                MlxArray column = sinks.Reshape(1, 2, 2, 1, 1).BroadcastTo(2, 2, 2, lq, 1);
                scores = MlxArray.Concatenate([scores, column], -1);
            }

            MlxArray weights = scores.Softmax()[.., .., .., .., ..lk];
            return weights.MatMul(a[2].Reshape(2, 2, 1, lk, 6)).Reshape(2, 4, lq, 6);
        }

        AssertSame(Fused, Plain, w, [q, k, v]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Rms_norm_has_the_gradients_of_its_formula(bool hasWeight)
    {
        using ArrayScope scope = new();
        MlxArray x = Numbers(1, 3, 4, 5), weight = Numbers(2, 5), w = Numbers(3, 3, 4, 5);
        AssertSame(
            a => Fast.RmsNorm(a[0], hasWeight ? a[1] : null, 1e-3f),
            a =>
            {
                MlxArray normal = a[0] * (a[0].Square().Mean(-1, keepDims: true) + 1e-3f).Rsqrt();
                return hasWeight ? normal * a[1] : normal;
            },
            w, hasWeight ? [x, weight] : [x]);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Layer_norm_has_the_gradients_of_its_formula(bool hasWeight, bool hasBias)
    {
        using ArrayScope scope = new();
        MlxArray x = Numbers(1, 3, 4, 5), weight = Numbers(2, 5), bias = Numbers(4, 5), w = Numbers(3, 3, 4, 5);
        AssertSame(
            a => Fast.LayerNorm(a[0], hasWeight ? a[1] : null, hasBias ? a[^1] : null, 1e-3f),
            a =>
            {
                MlxArray centred = a[0] - a[0].Mean(-1, keepDims: true);
                MlxArray normal = centred * (centred.Square().Mean(-1, keepDims: true) + 1e-3f).Rsqrt();
                normal = hasWeight ? normal * a[1] : normal;
                return hasBias ? normal + a[^1] : normal;
            },
            w, (hasWeight, hasBias) switch
            {
                (true, true) => [x, weight, bias],
                (true, false) => [x, weight],
                (false, true) => [x, bias],
                _ => [x],
            });
    }

    [Fact]
    public void A_query_that_sees_nothing_gives_queries_and_keys_nothing_and_all_values_the_same()
    {
        using ArrayScope scope = new();
        MlxArray q = Numbers(1, 1, 1, 2, 4), k = Numbers(2, 1, 1, 4, 4), v = Numbers(3, 1, 1, 4, 4);
        AttentionMask mask = AttentionMask.Of(MlxArray.Zeros([2, 4], DType.Bool));
        MlxArray[] gradients = Transforms.Grad(
            a => Fast.ScaledDotProductAttention(a[0], a[1], a[2], Scale, mask).Sum(), [q, k, v]);
        Assert.All(gradients[0].ToArray<float>(), number => Assert.Equal(0f, number));
        Assert.All(gradients[1].ToArray<float>(), number => Assert.Equal(0f, number));
        Assert.All(gradients[2].ToArray<float>(), number => Assert.Equal(0.5f, number));     // 2 queries, 1 of 4 each
    }

    [Fact]
    public void Attention_s_gradient_takes_memory_linear_in_the_length()
    {
        if (TestProvider.IsMlx)
            return;     // MLX keeps all scores on its CPU device
        using ArrayScope scope = new();
        const int Length = 4096;
        MlxArray q = Numbers(1, 1, 1, Length, 8), k = Numbers(2, 1, 1, Length, 8), v = Numbers(3, 1, 1, Length, 8);
        q.Eval();
        k.Eval();
        v.Eval();
        MlxMemory.ResetPeak();
        long before = MlxMemory.ActiveBytes;
        MlxArray[] gradients = Transforms.Grad(
            a => Fast.ScaledDotProductAttention(a[0], a[1], a[2], Scale, AttentionMask.Causal).Sum(), [q, k, v]);
        foreach (MlxArray gradient in gradients)
            gradient.Eval();
        Assert.InRange(MlxMemory.PeakBytes - before, 0, 10L * Length * 8 * sizeof(float));     // the scores: 64 MiB
    }

    [Fact]
    public void Derivatives_that_are_dropped_leave_nothing()
    {
        using ArrayScope outer = new();
        MlxArray x = Numbers(1, 1, 2, 64, 16), weight = Numbers(2, 16);
        x.Eval();
        weight.Eval();
        long before = MlxMemory.ActiveBytes;
        Func<MlxArray[], MlxArray>[] functions =
        [
            a => Fast.ScaledDotProductAttention(a[0], a[0], a[0], Scale, AttentionMask.Causal),
            a => Fast.ScaledDotProductAttention(a[0], x, x, Scale),
            a => Fast.ScaledDotProductAttention(x, x, a[0], Scale),
            a => Fast.RmsNorm(a[0], a[1], 1e-5f), a => Fast.RmsNorm(x, a[1], 1e-5f),
            a => Fast.RmsNorm(a[0], weight, 1e-5f),
            a => Fast.LayerNorm(a[0], a[1], a[1], 1e-5f), a => Fast.LayerNorm(a[0], weight, null, 1e-5f),
        ];
        foreach (Func<MlxArray[], MlxArray> function in functions)
        {
            using ArrayScope scope = new();
            MlxArray[] unread = Transforms.Grad(a => function(a).Sum(), [x, weight]);
            MlxArray[] seconds = Transforms.Grad(
                a => Transforms.Grad(b => function(b).Square().Sum(), a)[0].Sum(), [x, weight]);
            seconds[0].Eval();
            if (TestProvider.IsCpu || function != functions[0])      // causal attention's end the process on MLX
                _ = Transforms.Jvp(a => [function(a)], [x, weight], [x, weight]);
        }

        Assert.InRange(MlxMemory.ActiveBytes, 0, before);
    }

    // First gradients of Σ w · f², and the gradients of a sum of their squares.
    private static void AssertSame(
        Func<MlxArray[], MlxArray> fused, Func<MlxArray[], MlxArray> plain, MlxArray w, MlxArray[] inputs)
    {
        AssertClose(First(fused)(inputs), First(plain)(inputs), 2e-5);
        AssertClose(Second(fused), Second(plain), 2e-4);

        Func<MlxArray[], MlxArray[]> First(Func<MlxArray[], MlxArray> function) =>
            at => Transforms.Grad(a => (function(a).Square() * w).Sum(), at);

        MlxArray[] Second(Func<MlxArray[], MlxArray> function) => Transforms.Grad(
            a => First(function)(a).Select(gradient => gradient.Square().Sum()).Aggregate((x, y) => x + y), inputs);
    }

    private static void AssertClose(MlxArray[] actual, MlxArray[] expected, double tolerance)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i].ToArray<float>(), actual[i].ToArray<float>(),
                (want, got) => Math.Abs(want - got) <= tolerance * (1 + Math.Abs(want)));
        }
    }

    private static MlxArray Numbers(int seed, params int[] shape)
    {
        var random = new Random(seed);
        float[] numbers = new float[shape.Aggregate(1, (a, b) => a * b)];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = (float)((random.NextDouble() * 2) - 1);
        return MlxArray.From<float>(numbers, shape);
    }
}
